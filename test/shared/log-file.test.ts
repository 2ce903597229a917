import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile, type Rotation } from '../../shared/log-file.ts';

describe('the log file', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'flashcast-log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Writes a line at each of the times, and gives the files with what they hold. */
  function written(rotation: Rotation, ...times: readonly string[]): Record<string, string> {
    let now = '';
    const file = new LogFile(join(directory, 'logs'), rotation, () => new Date(now));
    for (now of times) file.write(Buffer.from(`${now}\n`));
    file.close();
    file.close();
    const names = readdirSync(join(directory, 'logs'));
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, 'logs', name), 'utf8')]));
  }

  const [evening, late, morning] = ['2026-01-31T22:58:59.999Z', '2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z'];

  it('is made with its directory, and is one file by default', () => {
    assert.deepEqual(written('never', evening, morning), { 'flashcast.log': `${evening}\n${morning}\n` });
  });

  it('begins anew each day, hour or minute, by UTC', () => {
    assert.deepEqual(written('daily', evening, late, morning), {
      'flashcast.log.2026-01-31': `${evening}\n${late}\n`,
      'flashcast.log.2026-02-01': `${morning}\n`,
    });
    assert.ok('flashcast.log.2026-01-31-23' in written('hourly', late));
    assert.ok('flashcast.log.2026-01-31-23-59' in written('minutely', late));
  });

  it('keeps what is there', () => {
    written('never', evening);
    assert.deepEqual(written('never', morning), { 'flashcast.log': `${evening}\n${morning}\n` });
  });

  it('throws where the directory cannot be made', () => {
    writeFileSync(join(directory, 'taken'), '');
    assert.throws(() => new LogFile(join(directory, 'taken'), 'never').open(), { code: 'EEXIST' });
  });
});
