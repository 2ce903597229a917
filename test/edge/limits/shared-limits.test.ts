import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { LimitRequest, LimitVerdict } from '../../../edge/limits/connection-limits.ts';
import { BATCH_SIZE, RETRY_AFTER_MS, STOP_TIMEOUT_MS } from '../../../edge/limits/lease-keeper.ts';
import { MAX_REQUESTS, SharedLimits, type SharedLimitSettings } from '../../../edge/limits/shared-limits.ts';
import { createLimitMetrics } from '../../../shared/metrics/limit-metrics.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { ModelBackend } from './lease-backend.ts';
import { SimulatedStore } from './simulated-store.ts';

const TTL_MS = 30_000;
const TIMEOUT_MS = 250;
const IP: LimitRequest = { address: '192.0.2.1' };
const settings: SharedLimitSettings = {
  edgeId: 'edge',
  perIpConnectionLimit: 2,
  connectRatePerIp: 0,
  connectBurstPerIp: 50,
  ipv6Prefix: 64,
  leaseTtlMs: TTL_MS,
  limitTimeoutMs: TIMEOUT_MS,
  limitFailMode: 'local',
};

/** What became of an admission so far. */
function watch(verdict: Promise<LimitVerdict>): { by: string | undefined } {
  const watched: { by: string | undefined } = { by: undefined };
  void verdict.then((settled) => (watched.by = settled.admitted ? 'admitted' : settled.by));
  return watched;
}

class Rig {
  readonly clock = new FakeClock();
  readonly backend = new ModelBackend();
  readonly store = new SimulatedStore(this.backend, TTL_MS, () => this.clock.now());
  readonly messages: string[] = [];
  readonly limits: SharedLimits;
  readonly #metrics = createLimitMetrics(new Registry());

  constructor(more: Partial<SharedLimitSettings> = {}) {
    const log = pino(
      {},
      { write: (line: string) => void this.messages.push((JSON.parse(line) as { msg: string }).msg) },
    );
    const { store, clock } = this;
    this.limits = new SharedLimits({ ...settings, ...more }, { store, clock, metrics: this.#metrics, log });
  }

  static async started(more: Partial<SharedLimitSettings> = {}): Promise<Rig> {
    const rig = new Rig(more);
    rig.store.prompt = true;
    await rig.limits.start();
    rig.store.prompt = false;
    rig.store.log.length = 0;
    return rig;
  }

  async come(request: LimitRequest = IP): Promise<{ by: string | undefined }> {
    const watched = watch(this.limits.admit(request));
    await settle();
    return watched;
  }

  /** Everything that was sent is carried out and answered. */
  async deliver(): Promise<void> {
    while (this.store.unanswered > 0) {
      await this.store.carryOut();
      this.store.answer();
      await settle();
    }
  }

  async degraded(): Promise<number | undefined> {
    return (await this.#metrics.limitDegraded.get()).values[0]?.value;
  }

  async measured(): Promise<number | undefined> {
    const { values } = await this.#metrics.limitDuration.get();
    return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value;
  }
}

describe('limits that are shared through a store', () => {
  it('are decided by the store, in one call per client', async () => {
    const rig = await Rig.started();
    const verdicts = [await rig.come(), await rig.come(), await rig.come()];
    assert.deepEqual(rig.store.log, ['admit', 'admit', 'admit']);
    await rig.deliver();
    assert.deepEqual(
      verdicts.map(({ by }) => by),
      ['admitted', 'admitted', 'ip'],
    );
    assert.equal(await rig.measured(), 3);
    assert.equal(await rig.degraded(), 0);
    assert.deepEqual(rig.messages, []);
  });

  it('ask nobody where nothing is limited', async () => {
    const rig = await Rig.started({ perIpConnectionLimit: 0 });
    assert.equal((await rig.come({ ...IP, application: 'wallet' })).by, 'admitted');
    assert.deepEqual(rig.store.log, []);
  });

  for (const [limitFailMode, expected, said] of [
    ['local', ['admitted', 'admitted', 'ip'], 'this process counts its own clients'],
    ['open', ['admitted', 'admitted', 'admitted'], 'everybody is let in'],
    ['closed', ['unavailable', 'unavailable', 'unavailable'], 'nobody is let in'],
  ] as const) {
    it(`hold by LIMIT_FAIL_MODE ${limitFailMode} for who waited LIMIT_TIMEOUT_MS, and at once for who comes later`, async () => {
      const rig = await Rig.started({ limitFailMode });
      const waiting = await rig.come();
      await rig.clock.advance(TIMEOUT_MS - 1);
      assert.equal(waiting.by, undefined);
      assert.equal(await rig.degraded(), 0);
      await rig.clock.advance(1);
      const verdicts = [waiting, await rig.come(), await rig.come()];
      assert.deepEqual(
        verdicts.map(({ by }) => by),
        expected,
      );
      assert.equal(await rig.degraded(), 1);
      assert.equal(rig.messages.length, 1);
      assert.match(rig.messages[0]!, new RegExp(said));
    });

    it(`hold by LIMIT_FAIL_MODE ${limitFailMode} from the start where there is no store`, async () => {
      const rig = new Rig({ limitFailMode });
      await rig.limits.start();
      const verdicts = [await rig.come(), await rig.come(), await rig.come()];
      assert.deepEqual(
        verdicts.map(({ by }) => by),
        expected,
      );
      assert.equal(await rig.degraded(), 1);
      assert.equal(rig.messages.length, 1);
      await rig.limits.stop();
    });
  }

  it('count the clients that hold leases, and their rate, when they go on alone', async () => {
    const rig = await Rig.started({ connectRatePerIp: 1, connectBurstPerIp: 3 });
    for (let count = 0; count < 2; count += 1) await rig.come();
    await rig.deliver();
    rig.store.cut();
    assert.equal((await rig.come()).by, 'ip');
    assert.equal((await rig.come()).by, 'rate');
  });

  it('tell once that they are not shared and once that they are, whatever number of clients comes', async () => {
    const rig = await Rig.started();
    for (let at = 0; at < 50; at += 1) await rig.come({ address: `192.0.2.${at}` });
    await rig.clock.advance(TIMEOUT_MS);
    await rig.deliver();
    assert.equal(await rig.degraded(), 1);
    await rig.clock.advance(RETRY_AFTER_MS);
    await rig.deliver();
    assert.equal(await rig.degraded(), 0);
    assert.deepEqual(
      rig.messages.map((text) => text.split(':')[0]),
      ['limits are not shared', 'limits are shared again'],
    );
  });

  it('stay with this process while the store answers late', async () => {
    const rig = await Rig.started();
    await rig.come();
    await rig.clock.advance(TIMEOUT_MS);
    await rig.deliver();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await rig.clock.advance(RETRY_AFTER_MS);
      assert.equal(rig.store.log.at(-1), 'probe');
      await rig.clock.advance(TIMEOUT_MS + 1);
      await rig.deliver();
      assert.equal(await rig.degraded(), 1);
    }
    assert.equal(rig.messages.length, 1);
  });

  it('keep a lease that was granted too late to a client that was let in, and give it back of one that was not', async () => {
    const rig = await Rig.started();
    const [first, second, third] = [await rig.come(), await rig.come(), await rig.come({ address: '192.0.2.2' })];
    await rig.store.carryOut();
    await rig.clock.advance(TIMEOUT_MS);
    assert.deepEqual([first.by, second.by, third.by], ['admitted', 'admitted', 'admitted']);
    rig.store.answer();
    await rig.clock.advance(RETRY_AFTER_MS);
    await rig.deliver();
    assert.equal((await rig.backend.leases('address', '192.0.2.1')).length, 2);

    const closed = await Rig.started({ limitFailMode: 'closed' });
    const refused = await closed.come();
    await closed.store.carryOut();
    await closed.clock.advance(TIMEOUT_MS);
    assert.equal(refused.by, 'unavailable');
    assert.equal((await closed.backend.leases('address', '192.0.2.1')).length, 1);
    closed.store.answer();
    await closed.clock.advance(RETRY_AFTER_MS);
    await closed.deliver();
    assert.deepEqual(await closed.backend.leases('address', '192.0.2.1'), []);
    assert.equal(closed.limits.sizes.book, 0);
  });

  it('release before they renew, in batches, every third of a lease and first on a new connection', async () => {
    const rig = await Rig.started();
    rig.store.prompt = true;
    const verdicts = await Promise.all(
      Array.from({ length: 2 * BATCH_SIZE + 1 }, (_, at) =>
        rig.limits.admit({ address: `10.0.${Math.floor(at / 250)}.${at % 250}` }),
      ),
    );
    rig.store.log.length = 0;
    await rig.clock.advance(TTL_MS / 3);
    await settle();
    assert.deepEqual(rig.store.log, ['renew', 'renew', 'renew']);

    rig.store.cut();
    rig.store.log.length = 0;
    for (const verdict of verdicts.slice(0, 2)) if (verdict.admitted) rig.limits.release(verdict.lease);
    rig.store.prompt = false;
    rig.store.connect();
    const meanwhile = await rig.come({ address: '10.9.9.9' });
    assert.equal(meanwhile.by, 'admitted');
    assert.deepEqual(rig.store.log, ['release', 'renew']);
    while (rig.store.log.at(-1) !== 'probe') {
      await rig.store.carryOut();
      rig.store.answer();
      await settle();
    }
    assert.deepEqual(rig.store.log, ['release', 'renew', 'renew', 'probe']);
    await rig.come({ address: '10.9.9.8' });
    await rig.deliver();
    assert.equal(rig.store.log.at(-1), 'renew');
    assert.equal((await rig.backend.leases('address', '10.9.9.8')).length, 1);
    assert.deepEqual(rig.messages.length, 2);
  });

  it('make room with what was released before they ask', async () => {
    const rig = await Rig.started({ perIpConnectionLimit: 1 });
    const first = rig.limits.admit(IP);
    await settle();
    await rig.deliver();
    const verdict = await first;
    assert.ok(verdict.admitted);
    rig.limits.release(verdict.lease);
    const second = await rig.come();
    await rig.deliver();
    assert.equal(second.by, 'admitted');
  });

  it('wait for no more answers than the bound, and decide about the rest at once', async () => {
    const rig = await Rig.started({ perIpConnectionLimit: 1 });
    const verdicts = Array.from({ length: MAX_REQUESTS + 1 }, (_, at) =>
      watch(rig.limits.admit({ address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` })),
    );
    await settle();
    assert.equal(rig.limits.sizes.requests, MAX_REQUESTS);
    assert.deepEqual([verdicts[MAX_REQUESTS]?.by, verdicts[MAX_REQUESTS - 1]?.by], ['admitted', undefined]);
    rig.store.cut();
    await settle();
    assert.ok(verdicts.every(({ by }) => by === 'admitted'));
    assert.equal(rig.limits.sizes.requests, 0);
  });

  it('remember what was never answered for two leases at most', async () => {
    const rig = await Rig.started({ limitFailMode: 'closed' });
    for (let at = 0; at < 100; at += 1) await rig.come({ address: `192.0.2.${at}` });
    rig.store.cut();
    await settle();
    assert.equal(rig.limits.sizes.book, 100);
    await rig.clock.advance(2 * TTL_MS + TTL_MS / 3);
    assert.equal(rig.limits.sizes.book, 0);
  });

  it('give back all they hold when they stop, and do not wait for a store that is silent', async () => {
    const rig = await Rig.started();
    await rig.come();
    await rig.deliver();
    const stopped = rig.limits.stop();
    await rig.deliver();
    await stopped;
    assert.deepEqual(await rig.backend.leases('address', '192.0.2.1'), []);

    const late = await Rig.started();
    const coming = await late.come();
    const stopping = late.limits.stop();
    await late.deliver();
    await stopping;
    assert.equal(coming.by, 'unavailable');
    assert.deepEqual(await late.backend.leases('address', '192.0.2.1'), []);

    const silent = await Rig.started();
    await silent.come();
    await silent.deliver();
    let done = false;
    void silent.limits.stop().then(() => (done = true));
    await silent.clock.advance(STOP_TIMEOUT_MS - 1);
    assert.ok(!done);
    await silent.clock.advance(1);
    assert.ok(done);
    assert.equal(silent.clock.pending, 0);
    assert.ok(silent.store.stopped);
  });
});
