/**
 * The front: one HTTP server on LISTEN_ADDR that answers `/healthz`, upgrades clients on the WebSocket routes, and refuses
 * everything else (client-protocol: "HTTP and WebSocket routes"). Handshakes and inbound frames are ws' work; what clients are
 * sent goes through the fan-out straight to their sockets.
 */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Logger } from '../../shared/log.ts';
import type { DisconnectReason, EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import { Admission, type AdmissionStep, type Candidate, type Grant } from '../admission/admission.ts';
import { clientAddress } from '../admission/client-address.ts';
import { ParametersStep } from '../admission/parameters.ts';
import { DRAINING, INTERNAL_ERROR, NOT_FOUND, type Refusal, UPGRADE_REQUIRED } from '../admission/refusal.ts';
import { DrainingStep, InstanceLimitStep, WithoutKeysStep } from '../admission/steps.ts';
import { type TrustedProxies, parseTrustedProxies } from '../admission/trusted-proxies.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Ring } from '../stream/contract.ts';
import type { Resume } from '../stream/resume.ts';
import { answerSocket, refuse, refuseSocket } from './answer.ts';
import type { BlockEnd } from './block-end.ts';
import { type ClientWebSocket, Connection, type ConnectionHost } from './connection.ts';
import { Drain, type Drained } from './drain.ts';
import type { DrainTimes } from './drain-schedule.ts';
import { type HttpServerSettings, createHttpServer } from './http-server.ts';
import { PendingSockets } from './pending-sockets.ts';
import { type PingSettings, PingWheel } from './ping-wheel.ts';
import { type Resumes, resumeHeaders } from './resumes.ts';
import { routeOf } from './routes.ts';
import { ClientWebSocketServer } from './web-socket-server.ts';

export interface FrontSettings extends PingSettings, DrainTimes, HttpServerSettings {
  readonly listenAddr: { readonly host: string; readonly port: number };
  readonly instanceConnectionLimit: number;
  /** Clients that do not choose get brotli. */
  readonly enableCompression: boolean;
  readonly clientPingEnabled: boolean;
  readonly maxPending: number;
  readonly trustedProxies: readonly string[];
  readonly ipAddrHttpHeader: string;
}

export interface FrontDependencies {
  readonly ring: Pick<Ring, 'head'>;
  readonly fanout: Pick<Fanout<Connection>, 'add' | 'remove' | 'clients' | 'writer' | 'isSettled' | 'onSettled'>;
  readonly resumes: Pick<Resumes<Connection>, 'answer' | 'join' | 'remove'>;
  readonly blockEnd: Pick<BlockEnd, 'reached' | 'blockTimeMs'>;
  /** Checks keys; without it there are none. */
  readonly keys?: AdmissionStep | undefined;
  /** Checks connect rate and connections by address and by application; without it there are no such limits. */
  readonly limits?: AdmissionStep | undefined;
  readonly metrics: EdgeMetrics;
  readonly log: Logger;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Connections that may wait to be accepted: a fleet's clients all come at once when another edge dies. */
const LISTEN_BACKLOG = 4096;

export class Front implements ConnectionHost, Drained<Connection> {
  readonly #settings: FrontSettings;
  readonly #deps: FrontDependencies;
  readonly #trusted: TrustedProxies;
  readonly #server: Server;
  readonly #webSockets: ClientWebSocketServer;
  readonly #pending: PendingSockets;
  readonly #admission: Admission;
  readonly #pings: PingWheel;
  readonly #addressHeader: string;
  #drain: Drain<Connection> | undefined;
  #refusing = false;
  #listening: Promise<unknown> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: FrontSettings, dependencies: FrontDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    this.#trusted = parseTrustedProxies(settings.trustedProxies);
    this.#addressHeader = settings.ipAddrHttpHeader.toLowerCase();
    this.#pending = new PendingSockets(settings.maxPending);
    this.#pings = new PingWheel(settings, dependencies.stall, () => this.now());
    this.#admission = new Admission(this.#admissionSteps());
    this.#webSockets = new ClientWebSocketServer();
    this.#server = createHttpServer(settings);
    this.#server.on('connection', (socket: Socket) => this.#pending.add(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket: Socket, head: Buffer) => this.#onUpgrade(request, socket, head));
    dependencies.metrics.instanceConnectionLimit.set(settings.instanceConnectionLimit);
    dependencies.fanout.onSettled(() => this.#drain?.tick());
  }

  /** Resolves when it listens, or at once after {@link stop}; rejects when it cannot. */
  async start(): Promise<void> {
    const { host, port } = this.#settings.listenAddr;
    if (this.#stopped !== undefined) return;
    this.#server.listen({ host, port, backlog: LISTEN_BACKLOG });
    this.#listening = once(this.#server, 'listening');
    await this.#listening;
    this.#server.on('error', (error) => this.#deps.log.error({ err: error }, 'client server failed'));
    if (this.#settings.clientPingEnabled) this.#pings.start();
  }

  /** Where it listens; only while it does. */
  address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
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
    if (!this.#server.listening) return Promise.resolve();
    if (this.#drain === undefined) {
      this.#deps.metrics.draining.set(1);
      this.#drain = new Drain<Connection>(this, this.#settings, () => this.now());
      this.#drain.begin();
    }
    return this.#drain.over;
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
    metrics.clients.dec({ kind: 'plain', encoding: connection.encoding });
    metrics.clientDisconnects.inc({ reason });
    if (reason === 'slow') metrics.laggedConnections.inc();
    if (reason === 'pong_timeout') metrics.clientPongDisconnects.inc();
    log.debug({ address: connection.grant.address, reason }, 'client disconnected');
    this.#drain?.tick();
  }

  /** The order is the contract's: what is local and cheap comes before the one step that may ask Redis. */
  #admissionSteps(): readonly AdmissionStep[] {
    return [
      new DrainingStep(() => this.#refusing),
      new InstanceLimitStep(this.#settings.instanceConnectionLimit, () =>
        this.#deps.metrics.globalRateLimitedRequests.inc(),
      ),
      this.#deps.keys ?? new WithoutKeysStep(),
      new ParametersStep(),
      ...(this.#deps.limits === undefined ? [] : [this.#deps.limits]),
    ];
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const route = routeOf(request.method, request.url);
    if (route.name === 'health') {
      if (this.isDraining) refuse(response, DRAINING);
      else response.writeHead(200, { 'Content-Length': '0' }).end();
      return;
    }
    const found = route.name === 'stream' && this.#admission.hasRoute({ ...route, headers: request.headers });
    const refusal = found ? UPGRADE_REQUIRED : NOT_FOUND;
    this.#count(refusal);
    refuse(response, refusal);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', destroyOnError);
    const route = routeOf(request.method, request.url);
    if (route.name === 'health') {
      if (this.isDraining) refuseSocket(socket, DRAINING);
      else answerSocket(socket, 200);
      return;
    }
    const asksForWebSocket = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
    const candidate = route.name === 'stream' ? { ...route, headers: request.headers } : undefined;
    if (candidate === undefined || !this.#admission.hasRoute(candidate)) this.#refuseUpgrade(socket, NOT_FOUND);
    else if (!asksForWebSocket) this.#refuseUpgrade(socket, UPGRADE_REQUIRED);
    else void this.#admit(request, socket, head, candidate);
  }

  async #admit(request: IncomingMessage, socket: Socket, head: Buffer, candidate: Candidate): Promise<void> {
    const grant: Grant = {
      address: clientAddress(socket.remoteAddress, request.headersDistinct[this.#addressHeader], this.#trusted),
      encoding: this.#settings.enableCompression ? 'br' : 'identity',
    };
    let refusal: Refusal | undefined;
    try {
      refusal = await this.#admission.admit(candidate, grant);
    } catch (error) {
      this.#deps.log.error({ err: error }, 'admission failed');
      refusal = INTERNAL_ERROR;
    }
    if (refusal !== undefined) this.#refuseUpgrade(socket, refusal);
    else this.#upgrade(request, socket, head, grant);
  }

  /** Where the handshake fails, ws or the error listener ends the socket. No entry comes between the answer and the join. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer, grant: Grant): void {
    socket.off('error', destroyOnError);
    const resume = grant.resume && this.#deps.resumes.answer(grant.resume);
    grant.resume = undefined;
    const webSocket = this.#webSockets.upgrade(
      request,
      socket,
      head,
      resume === undefined ? [] : resumeHeaders(resume),
    );
    if (webSocket !== undefined) {
      this.#join(webSocket, socket, grant, resume);
      return;
    }
    this.#admission.release(grant);
    this.#deps.metrics.admissions.inc({ result: 'handshake_failed' });
  }

  #join(webSocket: ClientWebSocket, socket: Socket, grant: Grant, resume: Resume | undefined): void {
    const { fanout, resumes, metrics, ring, log } = this.#deps;
    const connection = new Connection(webSocket, socket, grant, ring.head, this);
    this.#pending.settle(socket);
    connection.spoke = this.#settings.clientPingEnabled ? this.#pings.add(connection) : -1;
    metrics.admissions.inc({ result: 'admitted' });
    metrics.newConnections.inc();
    metrics.activeConnections.inc();
    metrics.clients.inc({ kind: 'plain', encoding: grant.encoding });
    log.debug({ address: grant.address, encoding: grant.encoding, resume: resume?.outcome }, 'client connected');
    if (resume !== undefined) resumes.join(connection, resume);
    fanout.add(connection);
  }

  #refuseUpgrade(socket: Socket, refusal: Refusal): void {
    this.#count(refusal);
    refuseSocket(socket, refusal);
  }

  #count(refusal: Refusal): void {
    this.#deps.metrics.admissions.inc({ result: refusal.result });
  }

  async #stop(): Promise<void> {
    this.#refusing = true;
    this.#drain?.end();
    // A server that is about to listen cannot be closed.
    await this.#listening?.catch(() => undefined);
    this.#pings.stop();
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    this.#webSockets.close();
    this.destroyAll();
    this.#pending.destroyAll();
    this.#server.closeAllConnections();
    await closed;
  }
}

function destroyOnError(this: Socket): void {
  this.destroy();
}
