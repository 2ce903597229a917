import { strict as assert } from 'node:assert';
import { runProgram } from '../../bin/run-program.ts';
import { SettingsError } from '../../shared/config/settings-error.ts';
import { FakeHost } from './support/fake-host.ts';

describe('a program whose settings are wrong in use', () => {
  it('ends with status 2 and every problem on standard error, as with any wrong setting', async () => {
    const host = new FakeHost();
    const status = await runProgram('proxy', ['--demo'], host, () =>
      Promise.resolve(() => {
        throw new SettingsError(['API_KEYS_FILE: the file does not exist', 'API_KEYS: entry 1: another']);
      }),
    );
    assert.equal(status, 2);
    assert.equal(
      host.err,
      'flashcast proxy: 2 problems in its settings\n  API_KEYS_FILE: the file does not exist\n  API_KEYS: entry 1: another\n',
    );
    assert.equal(host.out, '');
  });
});
