import { unwatchFile, watchFile } from 'node:fs';
import type { Socket } from 'node:net';
import { type Server, type TLSSocket, createServer } from 'node:tls';
import { SettingsError } from '../../../shared/config/settings-error.ts';
import type { Logger } from '../../../shared/log.ts';
import type { EdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { type KeyPair, type KeyPairFiles, KeyPairError, checkKeyPair, readKeyPairTexts } from './key-pair.ts';

export interface TlsDependencies {
  readonly log: Logger;
  readonly metrics: Pick<EdgeMetrics, 'tlsReloadFailures' | 'tlsCertificateNotAfter'>;
}

/** A renewed certificate can wait for so long. */
const LOOK_EVERY_MS = 2000;
/** The two files are replaced one after the other. */
const SETTLE_MS = 500;

/**
 * Speaks TLS on accepted connections (TLS_CERT_FILE, TLS_KEY_FILE). The files are looked at every two seconds, through symbolic
 * links, so that it does not matter how they are replaced; a pair that cannot be used keeps the old one in force.
 */
export class TlsTerminator {
  readonly #files: KeyPairFiles;
  readonly #deps: TlsDependencies;
  readonly #server: Server;
  /** Connections in their TLS handshake, by the peer's address and port. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly done: (stream: TLSSocket) => void }>();
  #tried: { readonly cert: string; readonly key: string };
  /** What is wrong with the files now, and has been told. */
  #failure: string | undefined;
  #isWatching = false;
  #settling: NodeJS.Timeout | undefined;
  readonly #onChange = (): void => {
    this.#reloadAfter(SETTLE_MS);
  };

  /** @throws SettingsError when the files cannot be served with */
  constructor(files: KeyPairFiles, dependencies: TlsDependencies) {
    this.#files = files;
    this.#deps = dependencies;
    const pair = firstPair(files);
    this.#tried = pair;
    // It listens to no port: connections are handed to it.
    this.#server = createServer({ cert: pair.cert, key: pair.key, ALPNProtocols: ['http/1.1'] });
    this.#server.on('secureConnection', (stream: TLSSocket) => this.#secured(stream));
    this.#server.on('tlsClientError', (_error: Error, stream: TLSSocket) => stream.destroy());
    this.#inForce(pair);
  }

  /** Watches the files. */
  start(): void {
    this.stop();
    this.#isWatching = true;
    for (const file of this.#watched) watchFile(file, { interval: LOOK_EVERY_MS }, this.#onChange);
  }

  /** Idempotent. */
  stop(): void {
    this.#isWatching = false;
    for (const file of this.#watched) unwatchFile(file, this.#onChange);
    clearTimeout(this.#settling);
  }

  /**
   * Begins the TLS handshake on a connection. One that fails is destroyed; one that does not go on is its owner's to end.
   *
   * @param done called once with the stream of what the client sends
   */
  secure(socket: Socket, done: (stream: TLSSocket) => void): void {
    const peer = peerOf(socket);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    this.#handshakes.set(peer, { socket, done });
    socket.once('close', () => {
      if (this.#handshakes.get(peer)?.socket === socket) this.#handshakes.delete(peer);
    });
    this.#server.emit('connection', socket);
  }

  /** Reads the files again; does nothing where their contents are those that were tried last. */
  reload(): void {
    let texts: { readonly cert: string; readonly key: string } | undefined;
    try {
      texts = readKeyPairTexts(this.#files);
      if (texts.cert === this.#tried.cert && texts.key === this.#tried.key) return;
      this.#tried = texts;
      this.#failure = undefined;
      const pair = checkKeyPair(texts);
      this.#server.setSecureContext({ cert: pair.cert, key: pair.key });
      this.#inForce(pair);
      this.#deps.log.info({ validTo: new Date(pair.validTo).toISOString() }, 'certificate read again');
    } catch (error) {
      if (!(error instanceof KeyPairError)) throw error;
      this.#failed(error.message);
      // What could not be read for want of something else, open files for one, looks no different when it can be.
      if (texts === undefined && this.#isWatching) this.#reloadAfter(LOOK_EVERY_MS);
    }
  }

  #reloadAfter(delayMs: number): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.reload();
    }, delayMs);
  }

  #failed(problem: string): void {
    if (problem === this.#failure) return;
    this.#failure = problem;
    this.#deps.metrics.tlsReloadFailures.inc();
    this.#deps.log.error({ problem }, 'certificate not read again, serving with the old one');
  }

  get #watched(): readonly string[] {
    return [this.#files.tlsCertFile, this.#files.tlsKeyFile];
  }

  #secured(stream: TLSSocket): void {
    const peer = peerOf(stream);
    const handshake = peer === undefined ? undefined : this.#handshakes.get(peer);
    if (peer === undefined || handshake === undefined) {
      stream.destroy();
      return;
    }
    this.#handshakes.delete(peer);
    handshake.done(stream);
  }

  #inForce({ validTo }: KeyPair): void {
    this.#deps.metrics.tlsCertificateNotAfter.set(validTo / 1000);
  }
}

function firstPair(files: KeyPairFiles): KeyPair {
  try {
    return checkKeyPair(readKeyPairTexts(files));
  } catch (error) {
    if (error instanceof KeyPairError) throw new SettingsError([error.message]);
    throw error;
  }
}

/** @returns `undefined` where TLS is not asked for */
export function createTlsTerminator(
  files: { readonly [K in keyof KeyPairFiles]?: string | undefined },
  dependencies: TlsDependencies,
): TlsTerminator | undefined {
  const { tlsCertFile, tlsKeyFile } = files;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  return new TlsTerminator({ tlsCertFile, tlsKeyFile }, dependencies);
}

/** A connection and the TLS stream over it have the same peer, and no other connection of the process has. */
function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
