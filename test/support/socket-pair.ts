import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Both ends of a connection over loopback, either of which may end before the other. */
export class SocketPair implements AsyncDisposable {
  /** The end of the program under test: a socket that was accepted. */
  readonly near: Socket;
  /** The client's end; its errors are nobody's. */
  readonly far: Socket;
  readonly #server: Server;

  constructor({ near, far, server }: Ends) {
    this.near = near;
    this.far = far;
    this.#server = server;
    far.on('error', () => undefined);
  }

  static async connect<T extends typeof SocketPair>(this: T): Promise<InstanceType<T>> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [near] = await accepted;
    return new this({ near, far, server }) as InstanceType<T>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.far.destroy();
    this.near.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export interface Ends {
  readonly near: Socket;
  readonly far: Socket;
  readonly server: Server;
}
