import { strict as assert } from 'node:assert';
import { parseTrustedProxies } from '../../../edge/admission/trusted-proxies.ts';
import type { Format, Given } from '../../../shared/config/format.ts';
import { listenAddress, trustedProxies } from '../../../shared/config/formats/addresses.ts';
import { apiKeys, filePath, headerName, keyPrefix, labels, processId } from '../../../shared/config/formats/names.ts';
import { byteCount, milliseconds, wholeNumber, workerCount } from '../../../shared/config/formats/numbers.ts';
import { httpUri, upstreamUris } from '../../../shared/config/formats/uris.ts';
import { boolean, logFormat, logLevel, oneOf } from '../../../shared/config/formats/words.ts';

interface Case {
  readonly format: Format<unknown>;
  readonly accepts: readonly (readonly [given: Given, value: unknown])[];
  readonly refuses: readonly Given[];
}

const CASES: Readonly<Record<string, Case>> = {
  'a whole number': {
    format: wholeNumber(0, 100),
    accepts: [
      ['0', 0],
      ['7', 7],
      ['100', 100],
    ],
    refuses: [
      '',
      '101',
      '-1',
      '+1',
      '01',
      '1.0',
      '1e1',
      '0x1',
      ' 1',
      '1 ',
      '1_0',
      '١',
      '80abc',
      'NaN',
      ['1'],
      '9'.repeat(400),
    ],
  },
  'a time': {
    format: milliseconds,
    accepts: [['2147483647', 2_147_483_647]],
    refuses: ['0', '2147483648', '1s', '9007199254740993'],
  },
  'a size': {
    format: byteCount(1024),
    accepts: [['4294967296', 4_294_967_296]],
    refuses: ['1023', '4294967297', '4MiB'],
  },
  'a number of workers': {
    format: workerCount,
    accepts: [
      ['auto', 'auto'],
      ['4', 4],
    ],
    refuses: ['0', 'Auto', ''],
  },
  'a boolean': {
    format: boolean,
    accepts: [
      ['true', true],
      ['1', true],
      ['false', false],
      ['0', false],
    ],
    refuses: ['TRUE', 'yes', 'on', 'off', '', '2', 'constructor', '__proto__'],
  },
  'one of some words': { format: oneOf('a', 'b'), accepts: [['b', 'b']], refuses: ['c', 'A', '', 'a,b', ['a', 'b']] },
  'a log level': {
    format: logLevel,
    accepts: [
      ['info', 'info'],
      ['WARN', 'warn'],
      ['1', 'error'],
      ['5', 'trace'],
    ],
    refuses: ['0', '6', 'verbose', '', '33'],
  },
  'a log format': {
    format: logFormat,
    accepts: [
      ['json', 'json'],
      ['text', 'text'],
      ['full', 'text'],
    ],
    refuses: ['JSON', 'yaml', ''],
  },
  'a listen address': {
    format: listenAddress,
    accepts: [
      ['0.0.0.0:8545', { host: '0.0.0.0', port: 8545 }],
      ['[::]:9000', { host: '::', port: 9000 }],
      ['localhost:0', { host: 'localhost', port: 0 }],
      ['edge-1.example.org:65535', { host: 'edge-1.example.org', port: 65_535 }],
    ],
    refuses: [
      '8545',
      ':8545',
      '::1:8545',
      '[::1]',
      '0.0.0.0',
      '0.0.0.0:65536',
      '0.0.0.0:08545',
      '300.0.0.1:1',
      '1.2.3:1',
    ].concat(['[127.0.0.1]:1', '[fe80::1%eth0]:1', 'http://h:1', 'a b:1', '-a:1', '*:1', '']),
  },
  upstreams: {
    format: upstreamUris,
    accepts: [
      ['', []],
      ['ws://a:1111/ws', ['ws://a:1111/ws']],
      [' ws://a , wss://u:p%40@b/ws/key?x=1,', ['ws://a', 'wss://u:p%40@b/ws/key?x=1']],
      [
        ['ws://[::1]:1/', 'ws://b'],
        ['ws://[::1]:1/', 'ws://b'],
      ],
    ],
    refuses: [
      'http://a',
      'ws://',
      'a:1',
      'ws://a b',
      'ws://a#x',
      'ws://a:99999',
      'ws://u:%zz@a',
      'ws://a\nws://b',
      'ws:a',
    ],
  },
  'an endpoint': {
    format: httpUri,
    accepts: [['https://h/v1', 'https://h/v1']],
    refuses: ['ws://h', 'h', '', 'https://'],
  },
  labels: {
    format: labels,
    accepts: [
      ['', {}],
      ['region=eu, zone=a=b', { region: 'eu', zone: 'a=b' }],
      ['constructor=x', { constructor: 'x' }],
    ],
    refuses: [
      'region',
      'region=',
      '=eu',
      'a=1,a=2',
      'le=1',
      'quantile=1',
      '__name__=x',
      '__proto__=x',
      '1a=b',
      'a-b=c',
    ],
  },
  'trusted proxies': {
    format: trustedProxies,
    accepts: [
      ['loopback,private', ['loopback', 'private']],
      ['none', ['none']],
      ['all', ['all']],
      ['10.0.0.0/8,192.0.2.7', ['10.0.0.0/8', '192.0.2.7/32']],
      ['2001:db8::/32,::1', ['2001:db8::/32', '::1/128']],
      ['::ffff:10.0.0.0/104,::ffff:a00:0/104', ['10.0.0.0/8', '10.0.0.0/8']],
      ['0.0.0.0/0', ['0.0.0.0/0']],
    ],
    refuses: [
      '',
      'none,all',
      'all,10.0.0.0/8',
      '10.0.0.1/8',
      '10.0.0.0/33',
      '10.0.0.0/08',
      '10.0.0.0/',
      '10.0/8',
      'private/8',
    ].concat(['2001:db8::1/32', '::/129', 'fe80::%eth0/64', '10.0.0.0/8/8', 'example.org', '::ffff:10.0.0.0/8']),
  },
  'a header name': {
    format: headerName,
    accepts: [['CF-Connecting-IP', 'CF-Connecting-IP']],
    refuses: ['', 'a b', 'a:b', 'ä'],
  },
  'a key prefix': {
    format: keyPrefix,
    accepts: [['a:b', 'a:b']],
    refuses: ['', 'a{b', 'a}b', 'a b', 'a\tb', 'ä', 'x'.repeat(129)],
  },
  'a process id': {
    format: processId,
    accepts: [['edge-1.a_b', 'edge-1.a_b']],
    refuses: ['', 'a b', 'a:b', 'x'.repeat(129)],
  },
  'a path': { format: filePath, accepts: [['/run/secrets/x', '/run/secrets/x']], refuses: ['', 'a\0b'] },
  'API keys': {
    format: apiKeys,
    accepts: [['a:k,b:k2:5', ['a:k', 'b:k2:5']]],
    refuses: ['a', 'a:', ':k', 'a:k:x', 'a:k:1:2'],
  },
};

describe('formats of settings', () => {
  for (const [name, { format, accepts, refuses }] of Object.entries(CASES)) {
    it(`read ${name}`, () => {
      for (const [given, value] of accepts) assert.deepEqual(format.parse(given), { ok: true, value });
    });
    it(`refuse what is not ${name}, and say what was expected`, () => {
      for (const given of refuses) {
        const parsed = format.parse(given);
        assert.ok(!parsed.ok, `accepts ${JSON.stringify(given)}`);
        assert.ok(parsed.expected !== '');
      }
    });
  }

  it('bound the number of elements of a list', () => {
    const uris = (count: number): string => Array.from({ length: count }, (_, n) => `ws://h${n}`).join(',');
    assert.ok(upstreamUris.parse(uris(32)).ok);
    assert.deepEqual(upstreamUris.parse(uris(33)), { ok: false, expected: 'at most 32 values' });
  });

  it('bound the length of a value', () => {
    assert.ok(filePath.parse('x'.repeat(65_536)).ok);
    assert.ok(!filePath.parse('x'.repeat(65_537)).ok);
    assert.ok(!upstreamUris.parse(['ws://h/', 'x'.repeat(65_536)]).ok);
  });

  it('give trusted proxies that the edge understands, every one', () => {
    for (const [given] of CASES['trusted proxies']!.accepts) {
      const parsed = trustedProxies.parse(given);
      assert.ok(parsed.ok);
      assert.doesNotThrow(() => parseTrustedProxies(parsed.value));
    }
  });
});
