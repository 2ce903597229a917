import { strict as assert } from 'node:assert';
import { parseSettingsKeys } from '../../../edge/keys/settings-keys.ts';
import { SettingsError } from '../../../shared/config/settings-error.ts';
import { digestHex } from './records.ts';

function problemsOf(...entries: string[]): readonly string[] {
  try {
    parseSettingsKeys(entries);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('the keys of API_KEYS', () => {
  it('are an application, its key and, if given, its limit', () => {
    assert.deepEqual(parseSettingsKeys(['a:k1', 'b:k2:5']), [
      { application: 'a', digest: digestHex('k1') },
      { application: 'b', digest: digestHex('k2'), limit: 5 },
    ]);
    assert.deepEqual(parseSettingsKeys([]), []);
  });

  it('may be several to an application', () => {
    assert.equal(parseSettingsKeys(['a:k1', 'a:k2']).length, 2);
  });

  it('are refused, every wrong one by its number and none by what stands in it', () => {
    assert.deepEqual(
      problemsOf('a:S3cret', 'b:S3cret', 'c:S3cret3:0', 'd:filter', 'e:..', `f:${'S3cret'.repeat(200)}`),
      [
        'API_KEYS: entry 2: the same key as in entry 1',
        'API_KEYS: entry 3: expected a limit from 1 to 999999999',
        'API_KEYS: entry 4: expected a key other than filter, . and .., which are pieces of a path',
        'API_KEYS: entry 5: expected a key other than filter, . and .., which are pieces of a path',
        'API_KEYS: entry 6: expected a key of at most 1024 bytes',
      ],
    );
    assert.deepEqual(problemsOf(`${'a'.repeat(129)}:k`, '#a:k', 'a\u0007b:k').length, 3);
  });
});
