import { strict as assert } from 'node:assert';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import {
  aggregate,
  continued,
  cumulativePart,
  exposition,
  type MetricsSnapshot,
  valueOf,
} from '../../../shared/metrics/aggregate.ts';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { createKeyMetrics } from '../../../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../../../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../../../shared/metrics/redis-metrics.ts';
import { createRegistry } from '../../../shared/metrics/registry.ts';

/** A process that has counted and observed `amount`. */
async function snapshotOf(amount: number, labels: Readonly<Record<string, string>> = {}): Promise<MetricsSnapshot> {
  const registry = new Registry();
  const registers = [registry];
  registry.setDefaultLabels(labels);
  new Counter({ name: 'c_total', help: 'c', labelNames: ['result'], registers }).inc({ result: 'ok' }, amount);
  new Counter({ name: 'most_total', help: 'most', registers, aggregator: 'max' }).inc(amount);
  new Gauge({ name: 'g', help: 'g', registers }).set(amount);
  for (const aggregator of ['max', 'min', 'first', 'average', 'omit'] as const)
    new Gauge({ name: `g_${aggregator}`, help: aggregator, registers, aggregator }).set(amount);
  const histogram = new Histogram({ name: 'h_seconds', help: 'h', buckets: [1, 2], registers });
  const summary = new Summary({ name: 's', help: 's', percentiles: [0.5, 1], registers });
  for (const observed of [amount, 1]) {
    histogram.observe(observed);
    summary.observe(observed);
  }
  return registry.getMetricsAsJSON();
}

async function lines(snapshot: MetricsSnapshot): Promise<string[]> {
  return (await exposition(snapshot)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('metrics of several processes', () => {
  it('are put together as each of them says, quantiles as those of the worst', async () => {
    const together = aggregate([await snapshotOf(1.5), await snapshotOf(7), await snapshotOf(2)]);
    assert.deepEqual(await lines(together), [
      'c_total{result="ok"} 10.5',
      'most_total 7',
      'g 10.5',
      'g_max 7',
      'g_min 1.5',
      'g_first 1.5',
      'g_average 3.5',
      'h_seconds_bucket{le="1"} 3',
      'h_seconds_bucket{le="2"} 5',
      'h_seconds_bucket{le="+Inf"} 6',
      'h_seconds_sum 13.5',
      'h_seconds_count 6',
      's{quantile="0.5"} 4',
      's{quantile="1"} 7',
      's_sum 13.5',
      's_count 6',
    ]);
  });

  it('tell of descriptors what is true of the process that has the fewest left, as each has its own limit', async () => {
    const withOpen = async (open: number): Promise<MetricsSnapshot> => {
      const registers = [new Registry()];
      new Gauge({ name: 'process_open_fds', help: 'open', registers }).set(open);
      new Gauge({ name: 'process_max_fds', help: 'limit', registers }).set(1024);
      return registers[0]!.getMetricsAsJSON();
    };
    const together = aggregate([await withOpen(500), await withOpen(600), await withOpen(30)]);
    assert.deepEqual(await lines(together), ['process_open_fds 600', 'process_max_fds 1024']);
  });

  it('are text as that of one process, with help, type and the labels of all metrics', async () => {
    const labels = { zone: 'a "b"', hostname: 'h' };
    const registry = createRegistry({ metricsGlobalLabels: labels, metricsHostLabel: false });
    createEdgeMetrics(registry);
    const snapshot = await registry.getMetricsAsJSON();
    const alone = (await registry.metrics()).split('\n').filter((line) => !/^(process|nodejs)_/.test(line));
    const single = (await exposition(aggregate([snapshot])))
      .split('\n')
      .filter((line) => !/^(process|nodejs)_/.test(line));
    assert.deepEqual(withoutOrder(single), withoutOrder(alone));
  });

  it('keep series apart that differ in a label, whatever their order', async () => {
    const make = async (order: readonly string[]): Promise<MetricsSnapshot> => {
      const registry = new Registry();
      const counter = new Counter({ name: 'c', help: 'c', labelNames: ['a', 'b'], registers: [registry] });
      for (const a of order) counter.inc(a === 'x' ? { a, b: '1' } : { b: '1', a });
      return registry.getMetricsAsJSON();
    };
    assert.deepEqual(await lines(aggregate([await make(['x', 'y']), await make(['y', 'z'])])), [
      'c{a="x",b="1"} 1',
      'c{b="1",a="y"} 2',
      'c{b="1",a="z"} 1',
    ]);
  });

  it('go on where those of a process that is gone ended, without what described its state', async () => {
    const gone = cumulativePart(await snapshotOf(5));
    assert.deepEqual(
      (await lines(gone)).filter((line) => /^(g|s\{)/.test(line)),
      [],
    );
    const now = continued(gone, await snapshotOf(2));
    const expected = [
      'c_total{result="ok"} 7',
      'most_total 7',
      'g 2',
      'h_seconds_count 4',
      's{quantile="1"} 2',
      's_sum 9',
    ];
    for (const line of expected) assert.ok((await lines(now)).includes(line), line);
    assert.equal(valueOf(now, 'g'), 2);
    assert.equal(valueOf(now, 'nothing'), undefined);
  });

  it('say of an edge what is true of all its workers', async () => {
    const worker = async (sequence: number, block: number, index: number): Promise<MetricsSnapshot> => {
      const registry = createRegistry({ metricsGlobalLabels: {}, metricsHostLabel: false });
      const edge = createEdgeMetrics(registry);
      edge.streamMessages.inc(100);
      edge.streamGaps.inc({ outcome: 'lost' }, 1);
      edge.streamSequence.set(sequence);
      edge.streamBlockNumber.set(block);
      edge.streamFlashblockIndex.set(index);
      edge.instanceConnectionLimit.set(500);
      edge.activeConnections.set(7);
      edge.broadcastQueueSize.set(index);
      createRedisMetrics(registry).up.set(index === 0 ? 0 : 1);
      createLimitMetrics(registry).limitDegraded.set(index === 0 ? 1 : 0);
      createKeyMetrics(registry).apiKeysLoaded.set(3);
      return registry.getMetricsAsJSON();
    };
    const together = aggregate([await worker(12, 8, 0), await worker(11, 7, 10)]);
    const values = {
      flashcast_stream_messages_total: 100,
      flashcast_stream_sequence: 12,
      flashcast_stream_block_number: 8,
      flashcast_stream_flashblock_index: 0,
      flashcast_instance_connection_limit: 500,
      websocket_proxy_active_connections: 14,
      websocket_proxy_broadcast_queue_size: 10,
      flashcast_redis_up: 0,
      flashcast_limit_degraded: 1,
      flashcast_api_keys_loaded: 3,
      flashcast_build_info: 1,
    };
    for (const [name, value] of Object.entries(values)) assert.equal(valueOf(together, name), value, name);
    const all = await lines(together);
    assert.ok(all.includes('flashcast_stream_gaps_total{outcome="lost"} 2'));
    assert.ok(valueOf(together, 'process_resident_memory_bytes')! > 1.5 * process.memoryUsage.rss());
    assert.ok(valueOf(together, 'process_start_time_seconds')! * 1000 < Date.now());
  });
});

function withoutOrder(text: readonly string[]): string[] {
  return [...text].sort();
}
