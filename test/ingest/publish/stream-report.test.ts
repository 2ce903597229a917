import { strict as assert } from 'node:assert';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { StreamReport } from '../../../ingest/publish/stream-report.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';

describe('what an ingest tells of its stream', () => {
  const setUp = () => {
    const lines: Record<string, unknown>[] = [];
    const clock = { now: 0 };
    const report = new StreamReport({
      metrics: createIngestMetrics(new Registry()),
      log: pino({ base: null }, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }),
      upstreamNames: ['a:1#0', 'b:1#1'],
      now: () => clock.now,
    });
    const gap = (blockNumber: number, upstream = 0) => {
      const message = upstreamMessage(flashblockJson({ blockNumber, index: 3 }), { upstream });
      report.published({ action: 'publish', message, decided: {}, restart: false, takeover: false, gap: true }, 1);
    };
    return { lines, clock, gap };
  };

  it('logs one gap of an upstream in five seconds, and with the next one how many it left out', () => {
    const { lines, clock, gap } = setUp();
    for (let at = 0; at < 25; at += 1) {
      clock.now = at * 200;
      gap(at);
    }
    assert.equal(lines.length, 1);
    clock.now = 5000;
    gap(25);
    clock.now = 20_000;
    gap(26);
    assert.deepEqual(
      lines.map(({ upstream, blockNumber, leftOut }) => [upstream, blockNumber, leftOut]),
      [
        ['a:1#0', 0, undefined],
        ['a:1#0', 25, 24],
        ['a:1#0', 26, undefined],
      ],
    );
  });

  it('logs the gaps of each upstream', () => {
    const { lines, gap } = setUp();
    gap(1);
    gap(2, 1);
    gap(3, 1);
    assert.deepEqual(
      lines.map(({ upstream }) => upstream),
      ['a:1#0', 'b:1#1'],
    );
  });
});
