import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { Logger } from '../../../shared/log.ts';
import type { EdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { clientNetwork } from '../../admission/client-network.ts';
import { type TrustedProxies, isTrustedPeer, normalAddress } from '../../admission/trusted-proxies.ts';
import type { PendingSockets } from './pending-sockets.ts';
import { readProxyHeader } from './proxy-reader.ts';
import type { TlsTerminator } from './tls-terminator.ts';

export interface ListenerSettings {
  readonly listenAddr: { readonly host: string; readonly port: number };
  /** The PROXY protocol's header is required of trusted proxies, and nobody else may connect. */
  readonly proxyProtocol: boolean;
  readonly ipv6Prefix: number;
}

export interface ListenerDependencies {
  readonly http: Pick<HttpServer, 'emit'>;
  readonly pending: Pick<PendingSockets, 'add' | 'identify' | 'serving'>;
  /** Without it connections are plain. */
  readonly tls: Pick<TlsTerminator, 'secure'> | undefined;
  readonly trusted: TrustedProxies;
  readonly metrics: Pick<EdgeMetrics, 'admissions'>;
  readonly log: Logger;
}

/** Connections that may wait to be accepted: a fleet's clients all come at once when another edge dies. */
const LISTEN_BACKLOG = 4096;
/** The kernel notices vanished clients also while nothing is sent. */
const TCP_KEEP_ALIVE_MS = 60_000;

/**
 * Accepts connections on LISTEN_ADDR and takes each as far as its first HTTP request: a place among the pending ones, the PROXY
 * protocol's header where that is on, TLS where that is on, then HTTP.
 */
export class Listener {
  readonly #settings: ListenerSettings;
  readonly #deps: ListenerDependencies;
  readonly #server: Server;
  #listening: Promise<unknown> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: ListenerSettings, dependencies: ListenerDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    this.#server = createServer({
      // As node:http has it: a peer may end its side before it has read the answer.
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      noDelay: true,
    });
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  /** Resolves when it listens, or at once after {@link stop}; rejects when it cannot. */
  async start(): Promise<void> {
    const { host, port } = this.#settings.listenAddr;
    if (this.#stopped !== undefined) return;
    this.#server.listen({ host, port, backlog: LISTEN_BACKLOG });
    this.#listening = once(this.#server, 'listening');
    await this.#listening;
    this.#deps.log.info({ ...this.address(), tls: this.#deps.tls !== undefined }, 'listening for clients');
    this.#server.on('error', (error) => this.#deps.log.error({ err: error }, 'client server failed'));
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  /** Where it listens; only while it does. */
  address(): { host: string; port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Accepts no more. Resolves when every accepted connection is gone, which is their owners' to see to. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  #accept(socket: Socket): void {
    const peer = normalAddress(socket.remoteAddress);
    const trusted = isTrustedPeer(peer, this.#deps.trusted);
    if (!this.#deps.pending.add(socket, peer, trusted ? undefined : this.#network(peer))) return;
    if (!this.#settings.proxyProtocol) {
      this.#serve(socket);
      return;
    }
    socket.on('error', destroyOnError);
    if (!trusted) {
      this.#refuse(socket);
      return;
    }
    readProxyHeader(socket, {
      read: (address) => this.#named(socket, normalAddress(address)),
      invalid: () => this.#refuse(socket),
    });
  }

  /** The balancer has named the client; where it has not, the connection is the balancer's own. */
  #named(socket: Socket, client: string | undefined): void {
    if (client !== undefined) {
      const network = isTrustedPeer(client, this.#deps.trusted) ? undefined : this.#network(client);
      if (!this.#deps.pending.identify(socket, client, network)) return;
    }
    this.#serve(socket);
  }

  #serve(socket: Socket): void {
    const { tls } = this.#deps;
    if (tls === undefined) {
      this.#speakHttp(socket, socket);
      return;
    }
    socket.on('error', destroyOnError);
    tls.secure(socket, (stream) => this.#speakHttp(socket, stream));
  }

  #speakHttp(socket: Socket, stream: Socket): void {
    this.#deps.pending.serving(socket, stream);
    if (!stream.destroyed) this.#deps.http.emit('connection', stream);
  }

  #refuse(socket: Socket): void {
    this.#deps.metrics.admissions.inc({ result: 'proxy_header' });
    socket.destroy();
  }

  #network(address: string | undefined): string | undefined {
    return address === undefined ? undefined : clientNetwork(address, this.#settings.ipv6Prefix);
  }

  async #stop(): Promise<void> {
    // A server that is about to listen cannot be closed.
    await this.#listening?.catch(() => undefined);
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

function destroyOnError(this: Socket): void {
  this.destroy();
}
