/**
 * The operations server on METRICS_ADDR: what a scraper, an orchestrator and an operator ask. It only tells; nothing here
 * changes state (configuration: "Ports").
 *
 *     /metrics      Prometheus text
 *     /livez        200 while the event loop turns
 *     /readyz       200 or 503, with each check
 *     /status.json  the process' figures
 *     /status       the live page, where there is one
 */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Registry } from 'prom-client';
import type { Logger } from '../log.ts';
import { type Answer, type Route, type Streamed, json } from './answer.ts';
import { type Check, isReady } from './check.ts';

export type { Check } from './check.ts';

export interface OperationsSettings {
  readonly metricsAddr: { readonly host: string; readonly port: number };
}

export interface OperationsDependencies {
  /** Without it there is no `/metrics`. */
  readonly registry?: Pick<Registry, 'metrics' | 'contentType'> | undefined;
  readonly checks: () => readonly Check[];
  /** Figures for `/status.json`; `ready` and `checks` are added. */
  readonly status: () => object;
  readonly log: Pick<Logger, 'error'>;
  /** The status page's routes, if there is one; started and stopped by the program. */
  readonly page?: { readonly routes: ReadonlyMap<string, Route> } | undefined;
  /** Milliseconds after which a connection is ended whose peer takes nothing of an answer; default {@link UNREAD_MS}. */
  readonly unreadMs?: number;
}

export interface Operations {
  /** Resolves when it listens, or at once after {@link stop}; rejects when it cannot. */
  start(): Promise<void>;
  /** Idempotent; resolves when every connection is gone. */
  stop(): Promise<void>;
  /** Where it listens; only while it does. */
  address(): { readonly host: string; readonly port: number };
}

/** Scrapers and probes send a few hundred bytes. */
const MAX_HEADER_BYTES = 8192;
const REQUEST_TIMEOUT_MS = 5000;
const TIMEOUT_CHECK_MS = 1000;
/** Scrapes come 5 to 60 s apart; keeping their connections between two is not worth a place. */
const KEEP_ALIVE_MS = 5000;
/** Longer than any reader of an answer goes without taking a byte. */
const UNREAD_MS = 10_000;
/**
 * Far above the few that ask; a port scan must not exhaust the process' descriptors. One more takes the place of the oldest, so
 * that whoever holds connections open does not keep an orchestrator's probe out. A page that is ended so connects again.
 */
export const MAX_CONNECTIONS = 256;

/** What no answer goes without. */
const EVERY_ANSWER = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
const TEXT = 'text/plain; charset=utf-8';

class OperationsServer implements Operations {
  readonly #settings: OperationsSettings;
  readonly #deps: OperationsDependencies;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #server: Server;
  /** The oldest first. */
  readonly #connections = new Set<Socket>();
  #listening: Promise<unknown> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: OperationsSettings, dependencies: OperationsDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    const { registry } = dependencies;
    this.#routes = new Map<string, Route>([
      ['/livez', () => ({ status: 200, type: TEXT, body: 'ok\n' })],
      ['/readyz', () => this.#readiness()],
      ['/status.json', () => this.#status()],
      ...(registry === undefined ? [] : [['/metrics', () => metricsAnswer(registry)] as const]),
    ]);
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on('connection', (socket) => this.#admit(socket));
    this.#server.timeout = dependencies.unreadMs ?? UNREAD_MS;
  }

  async start(): Promise<void> {
    const { host, port } = this.#settings.metricsAddr;
    if (this.#stopped !== undefined) return;
    this.#server.listen({ host, port });
    this.#listening = once(this.#server, 'listening');
    await this.#listening;
    this.#server.on('error', (error) => {
      this.#deps.log.error({ err: error }, 'operations server failed');
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  #admit(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    if (this.#connections.size <= MAX_CONNECTIONS) return;
    for (const oldest of this.#connections) {
      this.#connections.delete(oldest);
      oldest.destroy();
      return;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A response behind another has no socket yet. No browser, scraper or probe pipelines, and a few KB of requests would make
    // gigabytes of answers.
    if (response.socket === null) {
      request.socket.destroy();
      return;
    }
    const answer = await this.#answerTo(request);
    response.setHeaders(new Map(Object.entries({ ...EVERY_ANSWER, ...answer.headers })));
    response.setHeader('Content-Type', answer.type);
    if ('body' in answer) {
      // A request with a body is not read on: its connection ends with the answer.
      if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('Connection', 'close');
      response.writeHead(answer.status, { 'Content-Length': Buffer.byteLength(answer.body) }).end(answer.body);
      return;
    }
    response.writeHead(200);
    if (request.method === 'HEAD') response.end();
    else answer.open(response);
  }

  async #answerTo(request: IncomingMessage): Promise<Answer | Streamed> {
    const path = request.url?.split('?', 1)[0] ?? '';
    const route = this.#routes.get(path) ?? this.#deps.page?.routes.get(path);
    if (route === undefined) return json(404, { message: 'Not found' });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { ...json(405, { message: 'Method not allowed' }), headers: { Allow: 'GET, HEAD' } };
    }
    try {
      return await route(request);
    } catch (error) {
      this.#deps.log.error({ err: error, path }, 'operations request failed');
      return json(500, { message: 'Internal error' });
    }
  }

  #readiness(): Answer {
    const checks = this.#deps.checks();
    const ready = isReady(checks);
    return json(ready ? 200 : 503, { ready, checks });
  }

  #status(): Answer {
    const checks = this.#deps.checks();
    return json(200, { ready: isReady(checks), checks, ...this.#deps.status() });
  }

  async #stop(): Promise<void> {
    // A server that is about to listen cannot be closed.
    await this.#listening?.catch(() => undefined);
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function metricsAnswer(registry: Pick<Registry, 'metrics' | 'contentType'>): Promise<Answer> {
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

/** Makes the operations server of a process; the programs register what it tells as functions. */
export function createOperations(settings: OperationsSettings, dependencies: OperationsDependencies): Operations {
  return new OperationsServer(settings, dependencies);
}
