import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `request`: from those who connect to the target; `answer`: back from it. */
export type Direction = 'request' | 'answer';

/** A TCP relay that fails as networks do: `const relay = use(await TcpProxy.start({ port }))`. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Map<readonly [Socket, Socket], Record<Direction, boolean>>();
  readonly #waiting = new Set<() => void>();
  readonly #silent: Record<Direction, boolean> = { request: false, answer: false };
  #refusing = false;
  /** Every chunk arrives so much later, in milliseconds. */
  delayMs = 0;
  /** Bytes per second of each direction of each connection; 0 for as fast as it goes. */
  bytesPerSecond = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((client) => {
      this.#relay(client);
    });
  }

  static async start(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host: target.host ?? '127.0.0.1', port: target.port });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get connections(): number {
    return this.#pairs.size;
  }

  /** Ends every connection with a reset; new ones are relayed as before. */
  cut(): void {
    for (const pair of this.#pairs.keys()) for (const socket of pair) socket.resetAndDestroy();
  }

  /** While on, new connections are ended at once. */
  refuse(on: boolean): void {
    this.#refusing = on;
  }

  /** While on, nothing passes in that direction (default: in both) and nobody learns of it; what was held passes when it is off. */
  blackhole(on: boolean, direction?: Direction): void {
    if (direction !== 'answer') this.#silent.request = on;
    if (direction !== 'request') this.#silent.answer = on;
    if (on) return;
    for (const release of this.#waiting) release();
    this.#waiting.clear();
  }

  /** The connections of now go silent for good in that direction (default: in both), half-open; new ones are relayed. */
  mute(direction?: Direction): void {
    for (const muted of this.#pairs.values()) {
      if (direction !== 'answer') muted.request = true;
      if (direction !== 'request') muted.answer = true;
    }
  }

  #relay(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const target = connect(this.#target);
    const pair = [client, target] as const;
    const muted = { request: false, answer: false };
    this.#pairs.set(pair, muted);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    void this.#pump(client, target, 'request', muted);
    void this.#pump(target, client, 'answer', muted);
  }

  async #pump(
    from: Socket,
    to: Socket,
    direction: Direction,
    muted: Readonly<Record<Direction, boolean>>,
  ): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (muted[direction]) continue;
        while (this.#silent[direction]) await new Promise<void>((resolve) => this.#waiting.add(resolve));
        const pauseMs = this.delayMs + (this.bytesPerSecond > 0 ? (1000 * chunk.length) / this.bytesPerSecond : 0);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (!to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
      }
      if (!muted[direction]) to.end();
    } catch {
      to.destroy();
    }
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.blackhole(false);
    this.cut();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
