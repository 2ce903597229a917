import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { type FileKey, KeyFileError } from '../../../edge/keys/key-file.ts';
import type { KeyRecord } from '../../../edge/keys/key-record.ts';
import { KeySet } from '../../../edge/keys/key-set.ts';
import { SettingsError } from '../../../shared/config/settings-error.ts';
import { digestHex } from './records.ts';

function setting(application: string, key: string, limit?: number): KeyRecord {
  return { application, digest: digestHex(key), ...(limit !== undefined && { limit }) };
}

function fileKey(line: number, application: string, key: string, options: Partial<KeyRecord> = {}): FileKey {
  return { application, digest: digestHex(key), line, ...options };
}

function find(keys: KeySet, key: string): KeyRecord | undefined {
  return keys.find(createHash('sha256').update(key).digest());
}

describe('a set of keys', () => {
  it('finds the keys of both sources, and no other', () => {
    const keys = new KeySet([setting('a', 'k1')], [fileKey(1, 'b', 'k2', { expiresAt: 5 })]);
    assert.deepEqual(find(keys, 'k1'), setting('a', 'k1'));
    assert.deepEqual(find(keys, 'k2'), fileKey(1, 'b', 'k2', { expiresAt: 5 }));
    assert.equal(find(keys, 'k3'), undefined);
    assert.equal(find(keys, digestHex('k1')), undefined);
    assert.deepEqual([keys.size, keys.applications], [2, 2]);
  });

  it('takes a limit as the application’s, whichever of its keys names it', () => {
    const keys = new KeySet(
      [setting('a', 'k1', 5)],
      [fileKey(1, 'a', 'k2'), fileKey(2, 'b', 'k3'), fileKey(3, 'b', 'k4', { limit: 7 })],
    );
    assert.deepEqual([keys.limitOf('a'), keys.limitOf('b'), keys.limitOf('c')], [5, 7, undefined]);
    assert.equal(keys.limitOf('toString'), undefined);
  });

  it('refuses two limits for one application, and says where', () => {
    assert.throws(
      () => new KeySet([setting('a', 'k1', 5), setting('a', 'k2', 6)], []),
      new SettingsError([
        'API_KEYS: entry 2: expected the limit of entry 1 of API_KEYS, as both are of one application',
      ]),
    );
    assert.throws(
      () => new KeySet([], [fileKey(3, 'a', 'k1', { limit: 5 }), fileKey(9, 'a', 'k2', { limit: 6 })]),
      new KeyFileError('expected the limit of line 3, as both are of one application', 9),
    );
    assert.throws(
      () => new KeySet([setting('a', 'k1', 5)], [fileKey(9, 'a', 'k2', { limit: 6 })]),
      new KeyFileError('expected the limit of entry 1 of API_KEYS, as both are of one application', 9),
    );
    assert.equal(new KeySet([setting('a', 'k1', 5)], [fileKey(9, 'a', 'k2', { limit: 5 })]).limitOf('a'), 5);
  });

  it('takes a key of both sources as the one of the setting, and refuses it where the applications differ', () => {
    const keys = new KeySet([setting('a', 'k1')], [fileKey(1, 'a', 'k1', { expiresAt: 5 })]);
    assert.deepEqual([keys.size, find(keys, 'k1')], [1, setting('a', 'k1')]);
    assert.throws(
      () => new KeySet([setting('a', 'k1')], [fileKey(4, 'b', 'k1')]),
      new KeyFileError("the same key as another application's in API_KEYS", 4),
    );
  });
});
