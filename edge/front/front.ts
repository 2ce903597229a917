/**
 * The front: clients from their connection on LISTEN_ADDR to their end. The listener accepts, the entrance admits and upgrades, and
 * here they are kept, pinged and drained. What clients are sent goes through the fan-out straight to their sockets.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../../shared/log.ts';
import type { DisconnectReason, EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import { Admission, type AdmissionStep, type Grant } from '../admission/admission.ts';
import { ParametersStep } from '../admission/parameters.ts';
import { DrainingStep, InstanceLimitStep, OwnPlaces, type Places, WithoutKeysStep } from '../admission/steps.ts';
import { parseTrustedProxies } from '../admission/trusted-proxies.ts';
import type { Lapse } from '../keys/key-uses.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { FilterSettings } from '../filter/parse-filter.ts';
import type { Ring } from '../stream/contract.ts';
import type { Resume } from '../stream/resume.ts';
import { type HttpServerSettings, createHttpServer, refuseLate } from './accept/http-server.ts';
import { Listener, type ListenerSettings } from './accept/listener.ts';
import { type PendingSettings, PendingSockets } from './accept/pending-sockets.ts';
import type { TlsTerminator } from './accept/tls-terminator.ts';
import type { BlockEnd } from './block-end.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { Drain, type Drained } from './drain.ts';
import type { DrainTimes } from './drain-schedule.ts';
import { Entrance, type EntranceSettings } from './entrance.ts';
import { type PingSettings, PingWheel } from './ping-wheel.ts';
import type { Resumes } from './resumes.ts';

export interface FrontSettings
  extends
    PingSettings,
    DrainTimes,
    HttpServerSettings,
    ListenerSettings,
    PendingSettings,
    EntranceSettings,
    FilterSettings {
  readonly instanceConnectionLimit: number;
  readonly clientPingEnabled: boolean;
  readonly trustedProxies: readonly string[];
}

export interface FrontDependencies {
  readonly ring: Pick<Ring, 'head'>;
  readonly fanout: Pick<Fanout<Connection>, 'add' | 'remove' | 'clients' | 'writer' | 'isSettled' | 'onSettled'>;
  readonly resumes: Pick<Resumes<Connection>, 'answer' | 'join' | 'remove'>;
  readonly blockEnd: Pick<BlockEnd, 'reached' | 'blockTimeMs'>;
  /** Checks keys; without it there are none. */
  readonly keys?: AdmissionStep | undefined;
  /** Where INSTANCE_CONNECTION_LIMIT is counted; by itself without it. */
  readonly places?: Places | undefined;
  /** What follows the parameters and may ask Redis: connect rate, connections by address and by application. */
  readonly limits?: readonly AdmissionStep[];
  /** Started and stopped by its maker. Without it connections are plain. */
  readonly tls?: Pick<TlsTerminator, 'secure'> | undefined;
  readonly metrics: EdgeMetrics;
  readonly log: Logger;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export class Front implements ConnectionHost, Drained<Connection> {
  readonly #settings: FrontSettings;
  readonly #deps: FrontDependencies;
  readonly #pending: PendingSockets;
  readonly #listener: Listener;
  readonly #admission: Admission;
  readonly #pings: PingWheel;
  #drain: Drain<Connection> | undefined;
  #refusing = false;
  #stopped: Promise<void> | undefined;

  constructor(settings: FrontSettings, dependencies: FrontDependencies) {
    const { metrics, stall, tls, log } = dependencies;
    const trusted = parseTrustedProxies(settings.trustedProxies);
    this.#settings = settings;
    this.#deps = dependencies;
    const now = (): number => this.now();
    this.#pending = new PendingSockets(settings, {
      stall,
      now,
      expired: refuseLate,
      admissions: metrics.admissions,
    });
    this.#pings = new PingWheel(settings, stall, now);
    this.#admission = new Admission(this.#admissionSteps());
    const http = createHttpServer(settings);
    new Entrance(settings, {
      ...dependencies,
      admission: this.#admission,
      pending: this.#pending,
      trusted,
      isDraining: () => this.isDraining,
      join: (socket, head, grant, resume) => this.#join(socket, head, grant, resume),
    }).serve(http);
    this.#listener = new Listener(settings, { http, pending: this.#pending, tls, trusted, metrics, log });
    metrics.instanceConnectionLimit.set(settings.instanceConnectionLimit);
    dependencies.fanout.onSettled(() => this.#drain?.tick());
  }

  /** Resolves when it listens, or at once after {@link stop}; rejects when it cannot. */
  async start(): Promise<void> {
    if (this.#stopped !== undefined) return;
    this.#pending.start();
    await this.#listener.start();
    if (this.#settings.clientPingEnabled && !this.#isStopped()) this.#pings.start();
  }

  /** Where it listens; only while it does. */
  address(): { host: string; port: number } {
    return this.#listener.address();
  }

  get isListening(): boolean {
    return this.#listener.listening;
  }

  get isDraining(): boolean {
    return this.#drain !== undefined;
  }

  /** Connections that are not a client's yet. */
  get pendingConnections(): number {
    return this.#pending.size;
  }

  /** Takes the clients out, as {@link Drain} says. Resolves when none is left, at once where it does not listen. Idempotent. */
  drain(): Promise<void> {
    if (!this.#listener.listening) return Promise.resolve();
    if (this.#drain === undefined) {
      this.#deps.metrics.draining.set(1);
      this.#drain = new Drain<Connection>(this, this.#settings, () => this.now());
      this.#drain.begin();
    }
    return this.#drain.over;
  }

  /** Closes the clients that were admitted by keys that count no more. */
  endClientsOf(keyIds: ReadonlySet<string>, lapse: Lapse): void {
    for (const connection of [...this.clients]) {
      const { keyId } = connection.grant;
      if (keyId !== undefined && keyIds.has(keyId)) connection.keyLapsed(lapse);
    }
  }

  /** Ends every connection now and closes the server. Resolves when all sockets are gone. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  now(): number {
    return this.#deps.now?.() ?? performance.now();
  }

  get writer(): ConnectionHost['writer'] {
    return this.#deps.fanout.writer;
  }

  get clients(): readonly Connection[] {
    return this.#deps.fanout.clients;
  }

  refuse(): void {
    this.#refusing = true;
  }

  close(connection: Connection): void {
    connection.drain();
  }

  /** A Close frame still goes out where the kernel takes it. */
  destroyAll(): void {
    for (const connection of [...this.clients]) {
      connection.drain();
      connection.destroy();
    }
  }

  atBlockEnd(): boolean {
    return this.#deps.blockEnd.reached && this.#deps.fanout.isSettled;
  }

  blockTimeMs(): number | undefined {
    return this.#deps.blockEnd.blockTimeMs;
  }

  ended(connection: Connection, reason: DisconnectReason): void {
    const { fanout, resumes, metrics, log } = this.#deps;
    fanout.remove(connection);
    resumes.remove(connection);
    if (connection.spoke >= 0) this.#pings.remove(connection, connection.spoke);
    this.#admission.release(connection.grant);
    metrics.closedConnections.inc();
    metrics.activeConnections.dec();
    metrics.clients.dec({ kind: connection.kind, encoding: connection.encoding });
    metrics.clientDisconnects.inc({ reason });
    if (reason === 'slow') metrics.laggedConnections.inc();
    if (reason === 'pong_timeout') metrics.clientPongDisconnects.inc();
    log.debug({ address: connection.grant.address, reason }, 'client disconnected');
    this.#drain?.tick();
  }

  /** The order is the contract's: what is local and cheap comes before the one step that may ask Redis. */
  #admissionSteps(): readonly AdmissionStep[] {
    const draining = new DrainingStep(() => this.#refusing);
    return [
      draining,
      new InstanceLimitStep(this.#deps.places ?? new OwnPlaces(this.#settings.instanceConnectionLimit), () =>
        this.#deps.metrics.globalRateLimitedRequests.inc(),
      ),
      this.#deps.keys ?? new WithoutKeysStep(),
      new ParametersStep(this.#settings),
      ...(this.#deps.limits ?? []),
      // A drain may have begun to close clients while Redis was asked: it knows those who are here, and waits for no other.
      draining,
    ];
  }

  #join(socket: Socket, head: Buffer, grant: Grant, resume: Resume | undefined): void {
    const { fanout, resumes, metrics, ring, log } = this.#deps;
    const connection = new Connection(socket, grant, ring.head, this);
    this.#pending.settle(socket);
    connection.spoke = this.#settings.clientPingEnabled ? this.#pings.add(connection) : -1;
    metrics.admissions.inc({ result: 'admitted' });
    metrics.newConnections.inc();
    metrics.activeConnections.inc();
    log.debug({ address: grant.address, encoding: grant.encoding, resume: resume?.outcome }, 'client connected');
    if (resume !== undefined) resumes.join(connection, resume);
    fanout.add(connection, grant.filter);
    grant.filter = undefined;
    metrics.clients.inc({ kind: connection.kind, encoding: grant.encoding });
    connection.read(head);
  }

  /** Asked after a wait of the start, as a stop may have come meanwhile. */
  #isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  async #stop(): Promise<void> {
    this.#refusing = true;
    this.#drain?.end();
    const listenerStopped = this.#listener.stop();
    this.#pings.stop();
    this.destroyAll();
    this.#pending.stop();
    await listenerStopped;
  }
}
