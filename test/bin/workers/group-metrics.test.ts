import { strict as assert } from 'node:assert';
import { Counter, Gauge, Registry } from 'prom-client';
import { ANSWER_WITHIN_MS, GroupMetrics } from '../../../bin/workers/group-metrics.ts';
import { Slot } from '../../../bin/workers/slot.ts';
import type { MetricsSnapshot } from '../../../shared/metrics/aggregate.ts';
import { FakeClock } from '../../edge/limits/fake-clock.ts';
import { metricValue } from '../../support/program.ts';
import { FakeWorker } from './fake-worker.ts';

async function metricsOf(count: number, sequence = 0): Promise<MetricsSnapshot> {
  const registry = new Registry();
  new Counter({ name: 'sent', help: 'sent', registers: [registry] }).inc(count);
  new Gauge({ name: 'clients', help: 'clients', registers: [registry] }).set(count);
  new Gauge({ name: 'flashcast_stream_sequence', help: 's', registers: [registry], aggregator: 'first' }).set(sequence);
  return registry.getMetricsAsJSON();
}

function setUp(workers = 2) {
  const clock = new FakeClock();
  const registry = new Registry();
  new Gauge({ name: 'clients', help: 'clients', registers: [registry] }).set(0);
  const slots = Array.from({ length: workers }, (_, at) => new Slot(at + 1));
  const begin = (slot: Slot): FakeWorker => {
    const worker = new FakeWorker(slot.number, { said: () => undefined, ended: () => undefined });
    slot.begin(worker, clock.now());
    slot.listening = true;
    return worker;
  };
  const processes = slots.map(begin);
  return { clock, slots, processes, begin, group: new GroupMetrics(slots, registry, clock) };
}

describe('the metrics of a group', () => {
  it('are those of all workers, asked at each scrape; scrapes at the same time ask once', async () => {
    const { group, slots, processes, clock } = setUp();
    const scrapes = [group.metrics(), group.metrics()];
    slots[0]!.metrics.told(await metricsOf(3, 7));
    slots[1]!.metrics.told(await metricsOf(4, 9));
    const [first, second] = await Promise.all(scrapes);
    assert.equal(metricValue(first!, 'sent'), 7);
    assert.equal(metricValue(first!, 'clients'), 7);
    assert.equal(metricValue(first!, 'flashcast_stream_sequence'), 9);
    assert.equal(first, second);
    assert.deepEqual(
      processes.map((worker) => worker.ordered('measure')),
      [1, 1],
    );
    assert.equal(clock.pending, 0);
  });

  it('have the last known of a worker that does not answer in time, which is not asked again until it does', async () => {
    const { group, slots, processes, clock } = setUp();
    for (const slot of slots) slot.metrics.told(await metricsOf(10));
    for (let scrape = 1; scrape <= 3; scrape += 1) {
      const text = group.metrics();
      slots[0]!.metrics.told(await metricsOf(10 + scrape));
      await clock.advance(ANSWER_WITHIN_MS);
      assert.equal(metricValue(await text, 'sent'), 20 + scrape);
    }
    assert.deepEqual(
      processes.map((worker) => worker.ordered('measure')),
      [3, 1],
    );
    slots[1]!.metrics.told(await metricsOf(50));
    const text = group.metrics();
    for (const slot of slots) slot.metrics.told(await metricsOf(60));
    assert.equal(metricValue(await text, 'sent'), 120);
    assert.equal(processes[1]!.ordered('measure'), 2);
  });

  it('never count back when a worker is replaced, and forget the state of the one that is gone', async () => {
    const { group, slots, begin } = setUp();
    const [first, second] = slots as [Slot, Slot];
    const scrape = async (answers: () => Promise<void>): Promise<[number, number]> => {
      const text = group.metrics();
      await answers();
      return [metricValue(await text, 'sent'), metricValue(await text, 'clients')];
    };
    const both = async (one: number, other: number): Promise<void> => {
      first.metrics.told(await metricsOf(one));
      second.metrics.told(await metricsOf(other));
    };
    assert.deepEqual(await scrape(() => both(100, 10)), [110, 110]);
    const dying = scrape(async () => {
      second.metrics.told(await metricsOf(11));
      first.end();
    });
    assert.deepEqual(await dying, [111, 11]);
    begin(first);
    assert.deepEqual(await scrape(() => both(1, 12)), [113, 13]);
    first.end();
    begin(first);
    assert.deepEqual(await scrape(() => both(2, 12)), [115, 14]);
  });

  it('do not wait for a worker that is not there', async () => {
    const { group, slots } = setUp(1);
    slots[0]!.end();
    assert.equal(metricValue(await group.metrics(), 'clients'), 0);
  });
});
