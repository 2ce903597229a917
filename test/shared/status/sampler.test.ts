import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Registry } from 'prom-client';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { createKeyMetrics } from '../../../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../../../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../../../shared/metrics/redis-metrics.ts';
import type { FigureName, LatencySource } from '../../../shared/status/contract.ts';
import { LATENCY_METRICS, METRIC_FIGURES, UPSTREAM_METRICS } from '../../../shared/status/figures.ts';
import { MAX_UPSTREAMS, type Sample, Sampler } from '../../../shared/status/sampler.ts';

const NO_OWN = () => [0, 0, 0];

function figureOf(sampler: Sampler, { second }: Sample, name: FigureName): number | undefined {
  return second.figures[sampler.figures.indexOf(name)];
}

describe('status: the figures of a second', () => {
  it('are made of metrics that exist', () => {
    const registry = new Registry();
    createIngestMetrics(registry);
    createEdgeMetrics(registry);
    createRedisMetrics(registry);
    createLimitMetrics(registry);
    createKeyMetrics(registry);
    const names = [
      ...Object.values(METRIC_FIGURES).map(({ metric }) => metric),
      ...Object.values(LATENCY_METRICS),
      ...Object.values(UPSTREAM_METRICS),
    ];
    assert.deepEqual(
      names.filter((name) => registry.getSingleMetric(name) === undefined),
      [],
    );
  });

  it('are what the counters rose by, and the gauges as they stand', async () => {
    const registry = new Registry();
    const metrics = createEdgeMetrics(registry);
    const sampler = new Sampler(registry, NO_OWN);
    metrics.sentMessages.inc(5);
    metrics.activeConnections.set(3);
    metrics.admissions.inc({ result: 'admitted' }, 3);
    metrics.admissions.inc({ result: 'ip_limit' }, 2);
    const first = await sampler.sample(1000);
    assert.deepEqual(
      (['sent', 'clients', 'refused'] as const).map((name) => figureOf(sampler, first, name)),
      [5, 3, 2],
    );
    metrics.sentMessages.inc(4);
    const second = await sampler.sample(2000);
    assert.deepEqual(
      (['sent', 'clients', 'refused'] as const).map((name) => figureOf(sampler, second, name)),
      [4, 3, 0],
    );
  });

  it('leave out what the program does not measure', () => {
    const registry = new Registry();
    createIngestMetrics(registry);
    const { figures, latencies } = new Sampler(registry, NO_OWN);
    assert.ok(figures.includes('takeovers') && !figures.includes('clients') && figures.includes('cpu'));
    assert.deepEqual(
      latencies.map(({ name }) => name),
      ['publish'],
    );
  });

  it('do not go below nothing when a sum of several processes falls', async () => {
    const registry = new Registry();
    const metrics = createEdgeMetrics(registry);
    const sampler = new Sampler(registry, NO_OWN);
    metrics.sentMessages.inc(5);
    await sampler.sample(1000);
    metrics.sentMessages.reset();
    assert.equal(figureOf(sampler, await sampler.sample(2000), 'sent'), 0);
  });

  it('have the buckets of latencies that rose', async () => {
    const registry = new Registry();
    const metrics = createEdgeMetrics(registry);
    const sampler = new Sampler(registry, NO_OWN);
    metrics.edgeFanout.observe(0.004);
    await sampler.sample(1000);
    metrics.edgeFanout.observe(0.004);
    metrics.edgeFanout.observe(0.004);
    metrics.edgeFanout.observe(60);
    const { second } = await sampler.sample(2000);
    const place = sampler.latencies.findIndex(({ name }) => name === 'fanout');
    const { bounds } = sampler.latencies[place]!;
    assert.deepEqual(second.latencies[place], [bounds.indexOf(0.005), 2, bounds.length, 1]);
  });

  it('tell the bounds of latencies in the second in which they become known, and not again', async () => {
    const registry = new Registry();
    const { edgeFanout } = createEdgeMetrics(registry);
    const sampler = new Sampler(registry, NO_OWN);
    const boundsOf = (latencies: readonly LatencySource[] | undefined) =>
      latencies?.find(({ name }) => name === 'fanout')?.bounds.length;
    assert.equal(boundsOf(sampler.latencies), 0);
    // As the sum of several processes is before one of them has reported.
    const get = mock.method(edgeFanout, 'get', () => Promise.resolve({ values: [] }));
    assert.equal(boundsOf((await sampler.sample(1000)).latencies), 0, 'those of other latencies became known');
    get.mock.restore();
    const known = boundsOf((await sampler.sample(2000)).latencies);
    assert.ok(known !== undefined && known > 10);
    assert.equal((await sampler.sample(3000)).latencies, undefined);
  });

  it(`tell of each upstream in the order of the list, of ${MAX_UPSTREAMS} at most`, async () => {
    const registry = new Registry();
    const metrics = createIngestMetrics(registry);
    const sampler = new Sampler(registry, NO_OWN);
    for (let place = 30; place >= 0; place -= 1)
      metrics.upstreamConnected.set({ upstream: `host:1#${place.toString()}` }, 1);
    metrics.upstreamMessages.inc({ upstream: 'host:1#1' }, 4);
    metrics.upstreamWins.inc({ upstream: 'host:1#1' }, 3);
    metrics.upstreamLag.observe({ upstream: 'host:1#1' }, 0.002);
    const { second, upstreams } = await sampler.sample(1000);
    assert.equal(upstreams.length, MAX_UPSTREAMS);
    assert.deepEqual(upstreams.slice(0, 3), ['host:1#0', 'host:1#1', 'host:1#2']);
    assert.deepEqual(second.upstreams[1], [1, 4, 3, 2, 1]);
    assert.deepEqual((await sampler.sample(2000)).second.upstreams[1], [1, 0, 0, 0, 0]);
  });
});
