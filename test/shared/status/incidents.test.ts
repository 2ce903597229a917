import assert from 'node:assert/strict';
import { IncidentLog, MAX_INCIDENTS } from '../../../shared/status/incident-log.ts';
import { type Observed, SILENT_MS, findIncidents } from '../../../shared/status/incident-rules.ts';

const QUIET: Observed = {
  at: 0,
  figures: { lost: 0, redisUp: 1, limitDegraded: 0 },
  upstreams: new Map([['builder.example:443#0', true]]),
  checks: [{ name: 'publisher', ok: true, detail: 'reachable' }],
  newestAgeMs: 100,
};

function texts(now: Partial<Observed>, before: Partial<Observed> = {}): string[] {
  return findIncidents({ ...QUIET, ...now }, { ...QUIET, ...before }).map(({ level, text }) => `${level}: ${text}`);
}

describe('status: incidents', () => {
  it('are none while nothing happens', () => {
    assert.deepEqual(texts({}), []);
    assert.deepEqual(findIncidents(QUIET, undefined), []);
  });

  it('are what is counted in a second, in words', () => {
    assert.deepEqual(texts({ figures: { lost: 1, slow: 12 } }), [
      'bad: 1 message of the stream lost',
      'bad: 12 clients closed for being too slow',
    ]);
  });

  it('leave out what was counted before the page was there', () => {
    assert.deepEqual(findIncidents({ ...QUIET, figures: { lost: 40 } }, undefined), []);
  });

  it('are the beginning and the end of a trouble, not its lasting', () => {
    const away: Partial<Observed> = { figures: { redisUp: 0, limitDegraded: 1 } };
    const began = ['bad: Redis does not answer', 'bad: Limits are not shared: LIMIT_FAIL_MODE holds'];
    assert.deepEqual(texts(away), began);
    assert.deepEqual(texts(away, away), []);
    assert.deepEqual(texts({}, away), ['good: Redis answers again', 'good: Limits are shared again']);
  });

  it('name the upstream that goes and comes', () => {
    const away = { upstreams: new Map([['builder.example:443#0', false]]) };
    assert.deepEqual(texts(away), ['bad: builder.example:443#0 is not connected']);
    assert.deepEqual(texts({}, away), ['good: builder.example:443#0 is connected']);
  });

  it('are checks that fail and hold again; those that only show are told otherwise, and a drain is no trouble', () => {
    const failed = { checks: [{ name: 'publisher', ok: false, detail: 'unreachable for 12 s' }] };
    assert.deepEqual(texts(failed), ['bad: Check publisher fails: unreachable for 12 s']);
    assert.deepEqual(texts({}, failed), ['good: Check publisher holds again']);
    assert.deepEqual(texts({ checks: [{ name: 'stream', ok: false, informative: true }] }), []);
    const draining = { checks: [{ name: 'accepting', ok: false }] };
    assert.deepEqual(texts(draining), ['note: Draining: clients are closed evenly']);
    assert.deepEqual(texts(draining, draining), []);
  });

  it('are a silent stream, but not one that never began', () => {
    assert.deepEqual(texts({ newestAgeMs: SILENT_MS }), ['bad: No message for over 5 s']);
    assert.deepEqual(texts({}, { newestAgeMs: SILENT_MS }), ['good: Messages come again']);
    assert.deepEqual(texts({ newestAgeMs: null }, { newestAgeMs: null }), []);
  });

  it('of one kind that come again soon are one that goes on', () => {
    const log = new IncidentLog();
    log.observe(QUIET);
    const lost = (at: number) => log.observe({ ...QUIET, at, figures: { ...QUIET.figures, lost: 2 } });
    const [first] = lost(1000);
    const [second] = lost(4000);
    assert.equal(second?.id, first?.id);
    assert.deepEqual([second?.at, second?.until, second?.text], [1000, 4000, '4 messages of the stream lost']);
    const [third] = lost(9001);
    assert.notEqual(third?.id, first?.id);
    assert.deepEqual(log.incidents, [second, third]);
  });

  it('are one for each way of a state that comes and goes within a minute', () => {
    const log = new IncidentLog();
    const connected = (at: number, is: boolean) =>
      log.observe({ ...QUIET, at, upstreams: new Map([['builder.example:443#0', is]]) });
    for (let second = 0; second <= 120; second += 1) connected(second * 1000, second % 3 > 0);
    const told = () => log.incidents.map(({ at, until, text }) => `${at / 1000} to ${until / 1000}: ${text}`);
    assert.deepEqual(told(), [
      '0 to 120: builder.example:443#0 is not connected, 41 times',
      '1 to 118: builder.example:443#0 is connected, 40 times',
    ]);
    connected(121_000, true);
    connected(180_000, false);
    connected(181_001, true);
    assert.deepEqual(told(), [
      '0 to 180: builder.example:443#0 is not connected, 42 times',
      '1 to 121: builder.example:443#0 is connected, 41 times',
      '181.001 to 181.001: builder.example:443#0 is connected',
    ]);
  });

  it('are not joined over a clock that was set back', () => {
    const log = new IncidentLog();
    log.observe(QUIET);
    for (const at of [3_600_000, 600_000]) log.observe({ ...QUIET, at, figures: { ...QUIET.figures, lost: 2 } });
    assert.deepEqual(
      log.incidents.map(({ at, until }) => [at, until]),
      [
        [3_600_000, 3_600_000],
        [600_000, 600_000],
      ],
    );
  });

  it('are not joined with one of longer ago than the log holds', () => {
    const log = new IncidentLog();
    const failing = (at: number, names: readonly string[]) =>
      log.observe({ ...QUIET, at, checks: names.map((name) => ({ name, ok: false })) });
    const names = Array.from({ length: MAX_INCIDENTS + 1 }, (_, place) => `check-${place}`);
    failing(0, names);
    failing(1000, []);
    assert.deepEqual(
      failing(2000, [names[0]!, names.at(-1)!]).map(({ text }) => text),
      ['Check check-0 fails', 'Check check-200 fails, 2 times'],
    );
  });

  it(`are the last ${MAX_INCIDENTS}`, () => {
    const log = new IncidentLog();
    for (let minute = 0; minute < 500; minute += 1)
      log.observe({ ...QUIET, at: minute * 60_000, figures: { ...QUIET.figures, redisUp: minute % 2 } });
    assert.equal(log.incidents.length, MAX_INCIDENTS);
    assert.equal(log.incidents.at(-1)?.at, 499 * 60_000);
  });
});
