import assert from 'node:assert/strict';
import { LimitedLog } from '../../../../shared/backplane/redis/limited-log.ts';
import { LogLines } from '../../../suites/backplane-redis-harness.ts';

describe('the limited log', () => {
  it('repeats an event every five seconds at most, and tells how often it happened since', () => {
    let now = 0;
    const logs = new LogLines();
    const log = new LimitedLog(logs.log, () => now);
    for (now = 0; now < 10_001; now += 1000) log.warn({ reason: 'ECONNREFUSED' }, 'Redis failed');
    assert.deepEqual(
      logs.lines.map(({ msg, reason, repeated }) => ({ msg, reason, repeated })),
      [
        { msg: 'Redis failed', reason: 'ECONNREFUSED', repeated: undefined },
        { msg: 'Redis failed', reason: 'ECONNREFUSED', repeated: 4 },
        { msg: 'Redis failed', reason: 'ECONNREFUSED', repeated: 4 },
      ],
    );
  });

  it('takes warnings that differ in a number for the same', () => {
    const logs = new LogLines();
    const log = new LimitedLog(logs.log, () => 0);
    log.warn({ reason: 'Retrying after 40.8ms' }, 'Redis failed');
    log.warn({ reason: 'Retrying after 7ms' }, 'Redis failed');
    assert.equal(logs.lines.length, 1);
  });

  it('holds no warning back for another one, and no change of state', () => {
    const logs = new LogLines();
    const log = new LimitedLog(logs.log, () => 0);
    log.warn({ reason: 'ECONNREFUSED' }, 'Redis failed');
    log.warn({ reason: 'ECONNRESET' }, 'Redis failed');
    log.changed('info', { connection: 'commands' }, 'Redis is available');
    log.changed('info', { connection: 'commands' }, 'Redis is available');
    assert.equal(logs.lines.length, 4);
  });

  it('keeps the times of a bounded number of warnings', () => {
    const logs = new LogLines();
    const log = new LimitedLog(logs.log, () => 0);
    for (let number = 0; number <= 100; number += 1) log.warn({ reason: 'x'.repeat(number) }, 'Redis failed');
    log.warn({ reason: '' }, 'Redis failed');
    assert.equal(logs.lines.length, 102);
  });
});
