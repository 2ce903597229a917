import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A relay in front of a Redis that loses answers: requests always pass. */
export class RedisRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #losing = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const target = connect({ host: '127.0.0.1', port: targetPort });
      client.on('data', (chunk) => target.write(chunk));
      target.on('data', (chunk) => {
        if (!this.#losing) client.write(chunk);
      });
      for (const [socket, other] of [
        [client, target],
        [target, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async start(targetPort: number): Promise<RedisRelay> {
    const relay = new RedisRelay(targetPort);
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening');
    return relay;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on, or no longer, answers get lost without anybody noticing. */
  loseAnswers(on: boolean): void {
    this.#losing = on;
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }
}
