import { strict as assert } from 'node:assert';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type Edge, type EdgeOptions, createEdge } from '../../edge/edge.ts';
import { edgeChecks, type EdgeState } from '../../edge/edge-checks.ts';
import type { LimitSettings } from '../../edge/limits/connection-limits.ts';
import { createLocalLimits } from '../../edge/limits/create-limits.ts';
import type { HistoryRead, StreamHead, StreamSource, StreamSourceListener } from '../../shared/backplane/backplane.ts';
import type { Envelope } from '../../shared/envelope.ts';
import { createEdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import { isReady } from '../../shared/operations/check.ts';
import { StallDetector } from '../../shared/stall-detector.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { usesResources } from '../support/use.ts';
import { SETTINGS, samplesOf } from './harness.ts';
import { RawPeer } from './raw-peer.ts';
import { envelopeOf } from './stream/envelopes.ts';

const OPTIONS: EdgeOptions = {
  ...SETTINGS,
  streamRetentionMs: 12_000,
  readyMaxAgeMs: 10_000,
  publicAccessEnabled: false,
};
const LIMITS: LimitSettings = { perIpConnectionLimit: 0, connectRatePerIp: 0, connectBurstPerIp: 50, ipv6Prefix: 64 };

/** A source whose stream is what the test says. */
class FakeSource implements StreamSource {
  readonly history: Envelope[] = [];
  stopped = 0;
  unfit: Error | undefined;
  unavailable = false;
  #listener: StreamSourceListener | undefined;

  start(listener: StreamSourceListener): Promise<void> {
    if (this.unfit !== undefined) return Promise.reject(this.unfit);
    this.#listener = listener;
    if (!this.unavailable) listener.available(true);
    return Promise.resolve();
  }
  readAfter(sequence: number): Promise<HistoryRead> {
    const envelopes = this.history.filter((envelope) => envelope.sequence > sequence);
    return Promise.resolve({ envelopes, oldestSequence: this.history[0]?.sequence });
  }
  head(): Promise<StreamHead | undefined> {
    return Promise.resolve(this.history.at(-1));
  }
  stop(): Promise<void> {
    this.stopped += 1;
    return Promise.resolve();
  }

  publish(fields: Parameters<typeof envelopeOf>[1] = {}): void {
    const envelope = envelopeOf(this.history.length + 1, fields);
    this.history.push(envelope);
    this.#listener?.message(envelope);
  }
  unknownVersion(version: number): void {
    this.#listener?.unknownVersion(version);
  }
  available(available: boolean): void {
    this.#listener?.available(available);
  }
}

describe('edge', () => {
  const use = usesResources();

  class Setup implements AsyncDisposable {
    readonly registry = new Registry();
    readonly source = new FakeSource();
    readonly edge: Edge;

    constructor(options: Partial<EdgeOptions> = {}) {
      this.edge = createEdge(
        { ...OPTIONS, drainTimeoutMs: 1000, ...options },
        {
          source: this.source,
          limits: createLocalLimits(LIMITS),
          keys: undefined,
          metrics: createEdgeMetrics(this.registry),
          encodingMetrics: createEncodingMetrics(this.registry),
          stall: new StallDetector(),
          log: pino({ level: 'silent' }),
        },
      );
    }

    static async start(options: Partial<EdgeOptions> = {}): Promise<Setup> {
      const setup = new Setup(options);
      await setup.edge.start();
      return setup;
    }

    get port(): number {
      return this.edge.address().port;
    }

    failing(): string[] {
      return this.edge
        .checks()
        .filter(({ ok }) => !ok)
        .map(({ name }) => name);
    }

    [Symbol.asyncDispose](): Promise<void> {
      return this.edge.stop();
    }
  }

  it('gives 500 clients every message of the stream once and in order, in three encodings', async () => {
    const setup = use(await Setup.start());
    const swarm = use(await ClientSwarm.connect({ port: setup.port, clients: 0 }));
    for (const [encoding, clients] of [
      ['br', 166],
      ['identity', 167],
      ['text', 167],
    ] as const) {
      await swarm.add({ port: setup.port, clients, path: `/ws?encoding=${encoding}` });
    }
    const sent: Buffer[] = [];
    for (let n = 0; n < 40; n += 1) {
      const plain = flashblockJson(
        { blockNumber: 100 + Math.floor(n / 10), index: n % 10 },
        { note: 'x'.repeat(n * 100) },
      );
      sent.push(plain);
      setup.source.publish({ plain, payload: plain, plainLength: plain.length });
      if (n % 3 === 0) await swarm.received(n + 1);
    }
    await swarm.received(40);
    for (const client of swarm.clients) {
      assert.deepEqual(client.contents, sent);
      assert.equal(client.fault, undefined);
    }
    const samples = await samplesOf(setup.registry);
    assert.equal(samples.get('websocket_proxy_sent_messages'), 20_000);
    assert.equal(samples.get('websocket_proxy_active_connections'), 500);
    assert.equal(samples.get('flashcast_edge_fanout_seconds_count'), 40);
  });

  it('sends clients nothing of the history', async () => {
    const setup = new Setup();
    for (let n = 0; n < 5; n += 1) setup.source.publish();
    use(setup);
    await setup.edge.start();
    const peer = use(await RawPeer.upgrade(setup.port));
    setup.source.publish();
    const [frame] = await peer.received(1);
    assert.equal(frame?.payload.toString(), '{"n":"6"}');
  });

  it('sends a client that came before the ring was filled nothing of what is older than it', async () => {
    const setup = new Setup();
    setup.source.unavailable = true;
    for (let n = 0; n < 5; n += 1) setup.source.publish();
    use(setup);
    const started = setup.edge.start();
    await new Promise((resolve) => setImmediate(resolve));
    const peer = use(await RawPeer.upgrade(setup.port));
    setup.source.available(true);
    await started;
    setup.source.publish();
    const [frame] = await peer.received(1);
    assert.equal(frame?.payload.toString(), '{"n":"6"}');
  });

  for (const [index, first, expected] of [
    [1, 'fill', ['3', '4', '5', '6']],
    [5, 'live', ['7']],
  ] as const) {
    it(`finds the position of a client that came before the ring was filled, where it is the ${first}'s`, async () => {
      const setup = new Setup();
      setup.source.unavailable = true;
      for (let n = 0; n < 5; n += 1) setup.source.publish({ position: { blockNumber: 9, index: n } });
      use(setup);
      const started = setup.edge.start();
      await new Promise((resolve) => setImmediate(resolve));
      const peer = use(await RawPeer.upgrade(setup.port, `/ws?block_number=9&flashblock_index=${index}`));
      setup.source.available(true);
      await started;
      setup.source.publish({ position: { blockNumber: 9, index: 5 } });
      setup.source.publish({ position: { blockNumber: 9, index: 6 } });
      const numbers = (await peer.received(expected.length)).map(({ payload }) => /\d+/.exec(payload.toString())?.[0]);
      assert.deepEqual(numbers.slice(0, expected.length), expected);
    });
  }

  it('is ready when its ring was filled once, whether or not anything is in it', async () => {
    const setup = new Setup();
    use(setup);
    assert.ok(setup.failing().includes('ring'));
    await setup.edge.start();
    assert.deepEqual(setup.failing(), ['stream']);
    assert.ok(isReady(setup.edge.checks()));
    setup.source.publish();
    assert.deepEqual(setup.failing(), []);
  });

  it('is not ready while the newest message is of a version that it does not read', async () => {
    const setup = use(await Setup.start());
    setup.source.unknownVersion(9);
    assert.ok(setup.failing().includes('envelope-version'));
    setup.source.publish();
    assert.deepEqual(setup.failing(), []);
  });

  it('is not ready while it drains, tells clients 1001 and ends everything, once', async () => {
    const setup = use(await Setup.start({ drainTimeoutMs: 1000 }));
    const swarm = use(await ClientSwarm.connect({ port: setup.port, clients: 1 }));
    const deaf = use(await RawPeer.upgrade(setup.port));
    const stopped = setup.edge.stop();
    assert.equal(setup.edge.stop(), stopped);
    assert.ok(setup.failing().includes('accepting'));
    await deaf.received(1);
    // It answers no Close: while it is there, the stream goes on.
    assert.equal(setup.source.stopped, 0);
    deaf.socket.destroy();
    await stopped;
    assert.equal(swarm.clients[0]?.closeCode, 1001);
    assert.equal(setup.source.stopped, 1);
  });

  it('stops everything when the backplane is unfit', async () => {
    const setup = use(new Setup());
    setup.source.unfit = new Error('too old');
    await assert.rejects(setup.edge.start(), /too old/);
    await setup.edge.stop();
  });

  it('stops everything when its port is taken', async () => {
    const first = use(await Setup.start());
    const second = use(new Setup({ listenAddr: { host: '127.0.0.1', port: first.port } }));
    await assert.rejects(second.edge.start(), { code: 'EADDRINUSE' });
    assert.ok(second.source.stopped >= 1);
  });

  it('can be stopped while it starts, and without having started', async () => {
    const setup = new Setup();
    const starting = setup.edge.start();
    await Promise.all([setup.edge.stop(), starting]);
    await new Setup().edge.stop();
  });

  it('shows its figures without anything that came from outside', async () => {
    const setup = use(await Setup.start());
    use(await RawPeer.upgrade(setup.port, '/ws?token=secret'));
    use(await RawPeer.upgrade(setup.port, `/ws?addresses=0x${'ab'.repeat(20)}`));
    setup.source.publish({ position: { blockNumber: 7, index: 3 } });
    const status = setup.edge.status() as Record<string, unknown>;
    assert.deepEqual(
      { ...status, lastMessageAgeMs: typeof status['lastMessageAgeMs'] },
      {
        clients: 2,
        filteredClients: 1,
        filters: 1,
        clientLimit: 1000,
        pendingConnections: 0,
        blockedClients: 0,
        draining: false,
        ringMessages: 1,
        streamHasReceipts: null,
        lastSequence: 1,
        lastPosition: { blockNumber: 7, index: 3 },
        lastMessageAgeMs: 'number',
      },
    );
  });
});

describe('checks of an edge', () => {
  const good: EdgeState = {
    readiness: { filled: true, unavailableSince: undefined, behindSince: undefined, unreadableVersion: undefined },
    draining: false,
    lastMessageAt: 50_000,
    readyMaxAgeMs: 10_000,
    now: 50_100,
  };
  const failing = (state: Partial<EdgeState>, readiness: Partial<EdgeState['readiness']> = {}) =>
    edgeChecks({ ...good, ...state, readiness: { ...good.readiness, ...readiness } })
      .filter(({ ok }) => !ok)
      .map(({ name }) => name);

  it('hold on a good day', () => {
    assert.deepEqual(failing({}), []);
  });

  it('bear an unreachable backplane and a head ahead for READY_MAX_AGE_MS', () => {
    assert.deepEqual(failing({}, { unavailableSince: 40_101, behindSince: 40_101 }), []);
    assert.deepEqual(failing({}, { unavailableSince: 40_100 }), ['backplane']);
    assert.deepEqual(failing({}, { behindSince: 40_100 }), ['head']);
  });

  it('only show a silent stream', () => {
    const checks = edgeChecks({ ...good, now: 500_000 });
    assert.deepEqual(failing({ now: 500_000 }), ['stream']);
    assert.ok(isReady(checks));
    assert.ok(!isReady(edgeChecks({ ...good, draining: true })));
  });
});
