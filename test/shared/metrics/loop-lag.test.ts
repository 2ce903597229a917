import { strict as assert } from 'node:assert';
import type { Registry } from 'prom-client';
import { BEAT_MS } from '../../../shared/every.ts';
import { LoopLag } from '../../../shared/metrics/loop-lag.ts';
import { createRegistry } from '../../../shared/metrics/registry.ts';

describe('lag of the event loop', () => {
  let now: number;
  let lag: LoopLag;
  let registry: Registry;
  beforeEach(() => {
    now = 0;
    lag = new LoopLag(() => now);
    registry = createRegistry({ metricsGlobalLabels: {}, metricsHostLabel: false }, lag);
    lag.start();
  });
  afterEach(() => lag.stop());

  /** Of a scrape: milliseconds by the part of the name between `lag` and the unit. */
  const scrape = async (): Promise<Record<string, number>> => {
    const lines = (await registry.metrics()).matchAll(/^nodejs_eventloop_lag_?(\w*?)_?seconds (\S+)$/gm);
    return Object.fromEntries([...lines].map(([, part = '', seconds]) => [part, Math.round(Number(seconds) * 1000)]));
  };
  const look = (lateMs: number): void => {
    now += BEAT_MS + lateMs;
    lag.look();
  };

  it('is 0 of a loop that is in time', async () => {
    for (let turn = 0; turn < 10; turn += 1) look(0);
    assert.deepEqual(await scrape(), { '': 0, min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 });
  });

  it('tells by how much looks were late', async () => {
    for (let turn = 0; turn < 9; turn += 1) look(20);
    look(500);
    const { max, mean, p50, p90, p99, min, '': newest } = await scrape();
    assert.deepEqual({ mean, p50, p90, min, newest }, { mean: 68, p50: 20, p90: 20, min: 20, newest: 500 });
    assert.equal(p99, max);
    assert.ok(max !== undefined && Math.abs(max - 500) <= 1);
  });

  it('begins anew with each scrape, and tells the same again where nothing was looked at in between', async () => {
    look(300);
    const first = await scrape();
    assert.deepEqual(await scrape(), first);
    look(40);
    const { max } = await scrape();
    assert.equal(max, 40);
  });
});
