import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { maskUri, quote, showValue } from '../../../shared/config/mask.ts';

describe('masking', () => {
  it('keeps scheme, hosts, ports, route and the names of parameters', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['ws://builder:1111/ws', 'ws://builder:1111/ws'],
      ['ws://[::1]:1111', 'ws://[::1]:1111'],
      ['wss://user:pw@h/ws/key?token=abc&b=1', 'wss://***@h/***?token=***&b=***'],
      ['wss://h/?abc', 'wss://h/?***'],
      ['redis://:pw@redis:6379/3', 'redis://***@redis:6379/3'],
      ['redis+sentinel://u:p@s1,s2:1/primary', 'redis+sentinel://***@s1,s2:1/primary'],
      ['redis+sentinel://s/primary?sentinel_password=p', 'redis+sentinel://s/primary?sentinel_password=***'],
    ];
    for (const [uri, masked] of cases) assert.equal(maskUri(uri), masked);
  });

  it('masks whole what is no URI for certain', () => {
    const texts = [
      'secret',
      'ws://user:1?x@h',
      'ws://u:p/w@h',
      'redis://:a#b@h',
      'ssh://u@h',
      'ws://a b',
      'ws://h/x#y',
      '',
    ];
    for (const text of texts) assert.equal(maskUri(text), '***', text);
  });

  it('shows no password, key or parameter of any URI', () => {
    const secret = fc.stringMatching(/^[A-Z]{6,12}$/);
    const place = fc.constantFrom(
      (s: string) => `wss://user:${s}@host/ws`,
      (s: string) => `wss://${s}@host`,
      (s: string) => `wss://host/ws/${s}`,
      (s: string) => `wss://host/${s}/filter?addresses=1`,
      (s: string) => `wss://host/ws?token=${s}`,
      (s: string) => `wss://host/ws?${s}`,
      (s: string) => `redis://:a/${s}@host`,
      (s: string) => `redis://:a@${s}@host`,
      (s: string) => `redis://:a?${s}@host`,
      (s: string) => `redis://:a#${s}@host/1`,
    );
    fc.assert(fc.property(secret, place, (text, put) => !maskUri(put(text)).includes(text)));
  });

  it('quotes texts cut and without anything that could disturb a terminal', () => {
    assert.equal(quote('a"b'), '"a\\"b"');
    assert.equal(quote('\u001b[2J\u0085\u202e\n'), '"\\u001b[2J\\u0085\\u202e\\n"');
    assert.equal(quote('x'.repeat(1000)).length, 85);
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => /^[\x20-\x7e]*$/.test(quote(text))));
  });

  it('masks a URI also in the place of a value that is no secret', () => {
    assert.equal(showValue('redis://:pw@h', false), 'redis://***@h');
    assert.equal(showValue('plain', false), '"plain"');
    assert.equal(showValue('plain', true), '***');
  });
});
