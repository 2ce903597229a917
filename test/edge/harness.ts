import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Fanout } from '../../edge/fanout/fanout.ts';
import type { LagLimits } from '../../edge/fanout/limits.ts';
import { BlockEnd } from '../../edge/front/block-end.ts';
import type { Connection } from '../../edge/front/connection.ts';
import { type TlsTerminator, createTlsTerminator } from '../../edge/front/accept/tls-terminator.ts';
import { Front, type FrontDependencies, type FrontSettings } from '../../edge/front/front.ts';
import { Resumes } from '../../edge/front/resumes.ts';
import { ringCodec } from '../../edge/ring-codec.ts';
import type { RingEntry } from '../../edge/stream/contract.ts';
import { createRing } from '../../edge/stream/ring.ts';
import type { Envelope } from '../../shared/envelope.ts';
import { createEdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import { Changes } from '../support/changes.ts';
import { envelopeOf } from './stream/envelopes.ts';

export type HarnessSettings = FrontSettings &
  LagLimits & {
    streamMaxMessages: number;
    streamMaxBytes: number;
    streamRetentionMs: number;
    tlsCertFile?: string;
    tlsKeyFile?: string;
  };

export const SETTINGS: HarnessSettings = {
  listenAddr: { host: '127.0.0.1', port: 0 },
  instanceConnectionLimit: 1000,
  enableCompression: false,
  clientPingEnabled: false,
  clientPingIntervalMs: 15_000,
  clientPongTimeoutMs: 30_000,
  clientSendTimeoutMs: 1000,
  messageBufferSize: 20,
  clientQueueBytes: 4_194_304,
  drainDelayMs: 0,
  drainTimeoutMs: 10_000,
  handshakeTimeoutMs: 5000,
  maxHeaderBytes: 8192,
  maxPending: 2000,
  maxPendingPerIp: 50,
  proxyProtocol: false,
  ipv6Prefix: 64,
  trustedProxies: ['loopback'],
  ipAddrHttpHeader: 'X-Forwarded-For',
  streamMaxMessages: 256,
  streamMaxBytes: 67_108_864,
  streamRetentionMs: 12_000,
};

/** A stall detector's face for tests: the loop stood still when the test says so. */
export class TestStall {
  stalled = false;
  readonly listeners = new Set<(now: number) => void>();

  check(): boolean {
    return this.stalled;
  }
  onStall(listener: (now: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Samples of a registry, as `name{label="value"}`. */
export async function samplesOf(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

/** Ring, fan-out and front on a port of the system's choice, without a backplane. The log's lines are kept. */
export class EdgeHarness implements AsyncDisposable {
  readonly registry = new Registry();
  readonly metrics = createEdgeMetrics(this.registry);
  readonly stall = new TestStall();
  readonly blockEnd = new BlockEnd();
  readonly changes = new Changes();
  readonly log: Record<string, unknown>[] = [];
  readonly ring;
  readonly fanout: Fanout<Connection>;
  readonly resumes: Resumes<Connection>;
  readonly tls: TlsTerminator | undefined;
  readonly front: Front;
  readonly now: () => number;
  #sequence = 0;

  /**
   * @param now the clock of everything but sockets
   * @param steps of the admission that the test is about
   */
  constructor(
    settings: Partial<HarnessSettings> = {},
    now: () => number = () => performance.now(),
    steps: Pick<FrontDependencies, 'keys' | 'limits'> = {},
  ) {
    const all = { ...SETTINGS, ...settings };
    const { metrics, stall, blockEnd } = this;
    this.ring = createRing(all, {
      codec: ringCodec,
      metrics: createEncodingMetrics(this.registry),
      onUndecodable: () => undefined,
    });
    this.now = now;
    this.fanout = new Fanout<Connection>(all, { ring: this.ring, metrics, stall, now });
    this.resumes = new Resumes<Connection>(all, { ring: this.ring, fanout: this.fanout, metrics, stall, now });
    const write = (line: string): void => {
      this.log.push(JSON.parse(line) as Record<string, unknown>);
      this.changes.notify();
    };
    const log = pino({ level: 'debug' }, { write });
    this.tls = createTlsTerminator(all, { log, metrics });
    this.front = new Front(all, {
      tls: this.tls,
      ...steps,
      ring: this.ring,
      fanout: this.fanout,
      resumes: this.resumes,
      blockEnd,
      metrics,
      stall,
      log,
      now,
    });
  }

  static async start(
    settings: Partial<HarnessSettings> = {},
    now?: () => number,
    steps?: Pick<FrontDependencies, 'keys' | 'limits'>,
  ): Promise<EdgeHarness> {
    const harness = new EdgeHarness(settings, now, steps);
    await harness.front.start();
    return harness;
  }

  get port(): number {
    return this.front.address().port;
  }

  url(path = '/ws'): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  /** The next message of the stream, behind so many that are lost. */
  deliver(fields: Parameters<typeof envelopeOf>[1] = {}, lostBefore = 0): RingEntry {
    this.#sequence += 1;
    const envelope: Envelope = envelopeOf(this.#sequence, fields);
    const entry = this.ring.append({ envelope, lostBefore }, this.now());
    this.blockEnd.add(envelope.position, entry.arrivedAt);
    this.resumes.entry(entry, 'live');
    this.fanout.entry(entry);
    return entry;
  }

  /** Waits for a state that the log tells about: clients that came and went. */
  async logged(message: string, count = 1): Promise<Record<string, unknown>[]> {
    const lines = (): Record<string, unknown>[] => this.log.filter(({ msg }) => msg === message);
    await this.changes.until(() => lines().length >= count, `${count} times "${message}"`);
    return lines();
  }

  /** Waits until so many connections are not a client's yet. */
  async pending(count: number): Promise<void> {
    await turnsUntil(() => this.front.pendingConnections === count, `${count} pending connections`);
  }

  /** Waits until there are so many clients. */
  async clients(count: number): Promise<void> {
    await turnsUntil(() => this.fanout.clients.length === count, `${count} clients`);
  }

  async sample(name: string): Promise<number | undefined> {
    return (await samplesOf(this.registry)).get(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.front.stop();
    this.resumes.stop();
    this.fanout.stop();
  }
}

/** How long {@link turnsUntil} looks; far above anything healthy, below mocha's own limit. */
const PATIENCE_MS = 15_000;

/** Waits, a turn of the loop at a time, for a state that no event tells about. */
export async function turnsUntil(predicate: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!predicate()) {
    if (performance.now() > end) throw new Error(`did not come: ${what}`);
    await turn();
  }
}
