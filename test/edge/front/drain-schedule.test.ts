import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { drainSchedule } from '../../../edge/front/drain-schedule.ts';

const TIMES = { drainDelayMs: 2000, drainTimeoutMs: 25_000 };

describe('drain schedule', () => {
  it('closes nobody before the delay is over, and the first one then', () => {
    const schedule = drainSchedule(100, TIMES, undefined);
    assert.equal(schedule.closedBy(1999, true), 0);
    assert.equal(schedule.closedBy(2000, true), 1);
  });

  it('closes evenly, and all in time for their closing handshakes', () => {
    const schedule = drainSchedule(1000, TIMES, undefined);
    // 22 s for 1000 clients, 1 s for the last handshakes.
    assert.equal(schedule.closedBy(2000 + 11_000, false), 501);
    assert.equal(schedule.closedBy(24_000, false), 1000);
  });

  it('lets clients wait for a block end for at most 1.5 block times', () => {
    const schedule = drainSchedule(1000, TIMES, 2000);
    assert.equal(schedule.waitMs, 3000);
    assert.equal(schedule.closedBy(4999, false), 0);
    assert.equal(schedule.closedBy(5000, false), 1);
    const due = schedule.closedBy(5000, true);
    assert.ok(due > 100);
    assert.equal(schedule.closedBy(8000, false), due);
    assert.equal(schedule.closedBy(24_000, false), 1000);
  });

  it('lets nobody wait where the time is short or the block time unknown', () => {
    assert.equal(drainSchedule(10, { drainDelayMs: 0, drainTimeoutMs: 5000 }, 2000).waitMs, 0);
    assert.equal(drainSchedule(10, TIMES, undefined).waitMs, 0);
  });

  it('closes all at once where there is no time', () => {
    const schedule = drainSchedule(10, { drainDelayMs: 3000, drainTimeoutMs: 1000 }, undefined);
    assert.equal(schedule.closedBy(3000, false), 10);
  });

  it('never falls with time, never exceeds the clients, and has closed all before the timeout', () => {
    const settings = fc.record({
      total: fc.integer({ min: 1, max: 20_000 }),
      drainDelayMs: fc.integer({ min: 0, max: 5000 }),
      restMs: fc.integer({ min: 1, max: 60_000 }),
      blockTimeMs: fc.option(fc.integer({ min: 1, max: 12_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(settings, fc.array(fc.nat(66_000)), ({ total, drainDelayMs, restMs, blockTimeMs }, instants) => {
        const drainTimeoutMs = drainDelayMs + restMs;
        const schedule = drainSchedule(total, { drainDelayMs, drainTimeoutMs }, blockTimeMs);
        let before = 0;
        for (const instant of instants.sort((a, b) => a - b)) {
          const closed = schedule.closedBy(instant, false);
          assert.ok(closed >= before && closed <= schedule.closedBy(instant, true) && closed <= total);
          before = closed;
        }
        assert.equal(schedule.closedBy(drainTimeoutMs, false), total);
      }),
    );
  });
});
