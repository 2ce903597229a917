import { strict as assert } from 'node:assert';
import { MAX_KEY_BYTES, digestOf, keyProblem, newKey } from '../../../edge/keys/api-key.ts';
import { digestHex } from './records.ts';

describe('an API key', () => {
  it('is new each time, of 256 bits, and needs no escaping', () => {
    const keys = new Set(Array.from({ length: 1000 }, newKey));
    assert.equal(keys.size, 1000);
    for (const key of keys) {
      assert.match(key, /^[A-Za-z0-9_-]{43}$/);
      assert.equal(keyProblem(key), undefined);
      assert.equal(new URL(`ws://host/ws/${key}/filter`).pathname, `/ws/${key}/filter`);
    }
  });

  it('is known by its SHA-256, as text and as bytes', () => {
    assert.equal(digestOf('clé')?.toString('hex'), digestHex('clé'));
    assert.deepEqual(digestOf(Buffer.from('clé')), digestOf('clé'));
  });

  it('is bounded, and not hashed beyond it', () => {
    assert.equal(digestOf('k'.repeat(MAX_KEY_BYTES))?.length, 32);
    assert.equal(digestOf('k'.repeat(MAX_KEY_BYTES + 1)), undefined);
    assert.equal(digestOf('é'.repeat(MAX_KEY_BYTES / 2 + 1)), undefined);
    assert.equal(digestOf(''), undefined);
    assert.equal(digestOf(Buffer.alloc(0)), undefined);
  });

  it('can be presented in a path and a header', () => {
    for (const key of ['k', 'a/b', '%41', 'clé', 'Filter', '...', 'k'.repeat(MAX_KEY_BYTES)])
      assert.equal(keyProblem(key), undefined);
    for (const key of [
      '',
      'filter',
      '.',
      '..',
      'a b',
      'a\n',
      '\u0000',
      '\u00a0',
      '\ufeff',
      'k'.repeat(MAX_KEY_BYTES + 1),
    ])
      assert.match(keyProblem(key) ?? '', /^a key /, JSON.stringify(key));
  });
});
