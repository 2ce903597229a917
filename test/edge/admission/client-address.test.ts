import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { clientAddress } from '../../../edge/admission/client-address.ts';
import { parseAddress, parseTrustedProxies } from '../../../edge/admission/trusted-proxies.ts';

const DEFAULT = parseTrustedProxies(['loopback', 'private']);

describe('client address', () => {
  it("is the peer's where the peer is not trusted, whatever it claims", () => {
    for (const names of [['loopback', 'private'], ['none'], ['192.0.2.0/24']]) {
      assert.equal(clientAddress('203.0.113.9', ['198.51.100.1'], parseTrustedProxies(names)), '203.0.113.9');
    }
    assert.equal(clientAddress('127.0.0.1', ['198.51.100.1'], parseTrustedProxies(['none'])), '127.0.0.1');
  });

  it('is the first from the right that is not trusted', () => {
    assert.equal(clientAddress('10.0.0.5', ['198.51.100.1'], DEFAULT), '198.51.100.1');
    assert.equal(clientAddress('10.0.0.5', ['6.6.6.6, 198.51.100.1, 192.168.1.1'], DEFAULT), '198.51.100.1');
  });

  it('is found over all lines of the header', () => {
    assert.equal(
      clientAddress('127.0.0.1', ['6.6.6.6, 198.51.100.1', '10.1.1.1', '172.16.9.9'], DEFAULT),
      '198.51.100.1',
    );
  });

  it('is the leftmost where all are trusted', () => {
    assert.equal(clientAddress('127.0.0.1', ['10.0.0.1, 10.0.0.2', '10.0.0.3'], DEFAULT), '10.0.0.1');
  });

  it('is the hop that added an entry that cannot be read', () => {
    for (const junk of [
      'unknown',
      '_hidden',
      '1.2.3',
      '01.2.3.4',
      '0x7f.1',
      '1.2.3.4.5',
      '::1::',
      '"1.2.3.4"',
      '256.1.1.1',
    ]) {
      assert.equal(clientAddress('127.0.0.1', [`8.8.8.8, ${junk}, 10.0.0.7`], DEFAULT), '10.0.0.7', junk);
    }
  });

  it("is the peer's without a header, and unknown without a peer", () => {
    assert.equal(clientAddress('127.0.0.1', undefined, DEFAULT), '127.0.0.1');
    assert.equal(clientAddress('127.0.0.1', ['', ' , '], DEFAULT), '127.0.0.1');
    assert.equal(clientAddress(undefined, ['1.1.1.1'], DEFAULT), undefined);
  });

  it('is the last entry of the last line where all are believed, as in the reference', () => {
    const all = parseTrustedProxies(['all']);
    assert.equal(clientAddress('203.0.113.9', ['1.1.1.1', '2.2.2.2, 3.3.3.3'], all), '3.3.3.3');
    assert.equal(clientAddress('203.0.113.9', ['1.1.1.1, junk'], all), '203.0.113.9');
    assert.equal(clientAddress('203.0.113.9', undefined, all), '203.0.113.9');
  });

  it('reads every usual form and gives one spelling of each address', () => {
    for (const [form, address] of [
      ['198.51.100.1', '198.51.100.1'],
      [' 198.51.100.1:443 ', '198.51.100.1'],
      ['2001:DB8:0::1', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['[2001:db8::1]:8443', '2001:db8::1'],
      ['fe80::1%eth0', 'fe80::1'],
      ['[fe80::1%eth0]:80', 'fe80::1'],
      ['::ffff:198.51.100.1', '198.51.100.1'],
      ['[::ffff:c633:6401]:80', '198.51.100.1'],
    ]) {
      assert.equal(parseAddress(form!)?.toString(), address, form);
    }
    assert.equal(clientAddress('::ffff:127.0.0.1', ['::ffff:10.0.0.1', '198.51.100.1:5'], DEFAULT), '198.51.100.1');
  });

  it('walks a bounded number of hops', () => {
    const hops = Array.from({ length: 1000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    assert.equal(clientAddress('127.0.0.1', [hops.join(',')], DEFAULT), hops.at(-32));
  });

  it('never throws, and never takes an address from what an untrusted hop says', () => {
    const line = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('203.0.113.1')), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const header = [...lines.map((entries) => entries.join(',')), '203.0.113.77'];
        assert.equal(clientAddress('10.0.0.1', header, DEFAULT), '203.0.113.77');
      }),
    );
  });
});

describe('trusted proxies', () => {
  it('are ranges, single addresses and names', () => {
    const trusted = parseTrustedProxies([
      'loopback',
      ' 192.0.2.0/24',
      '2001:db8::/32',
      '198.51.100.7',
      '::ffff:203.0.113.0/120',
    ]);
    for (const peer of ['127.9.9.9', '::1', '192.0.2.200', '2001:db8:ffff::1', '198.51.100.7', '203.0.113.4']) {
      assert.equal(clientAddress(peer, ['8.8.8.8'], trusted), '8.8.8.8', peer);
    }
    for (const peer of ['10.0.0.1', '192.0.3.1', '2001:db9::1', '198.51.100.8', '203.0.114.1']) {
      assert.equal(clientAddress(peer, ['8.8.8.8'], trusted), peer);
    }
  });

  it('named private are those of RFC 1918 and the unique local ones', () => {
    const trusted = parseTrustedProxies(['private']);
    for (const peer of ['10.1.2.3', '172.31.0.1', '192.168.0.1', 'fd00::1']) {
      assert.equal(clientAddress(peer, ['8.8.8.8'], trusted), '8.8.8.8', peer);
    }
    for (const peer of ['127.0.0.1', '172.32.0.1', '169.254.0.1', '100.64.0.1', 'fe80::1']) {
      assert.equal(clientAddress(peer, ['8.8.8.8'], trusted), peer);
    }
  });

  it('are refused when they cannot be read, and when none or all has company', () => {
    for (const names of [['localhost'], ['10.0.0.0/33'], ['10.0.0.0/x'], ['10.0.0.0/8/8'], ['::/129'], ['10.0.0/8']]) {
      assert.throws(() => parseTrustedProxies(names), RangeError, names[0]);
    }
    for (const names of [
      ['none', 'loopback'],
      ['all', 'none'],
    ])
      assert.throws(() => parseTrustedProxies(names), RangeError);
  });
});
