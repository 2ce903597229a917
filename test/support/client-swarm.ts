import type { DecodedFrame } from './decode.ts';
import { Changes } from './changes.ts';
import { MessageTable, type SeenMessage } from './message-table.ts';
import { OPCODE } from './raw-frames.ts';
import { WireClient } from './wire-client.ts';

export type { SeenMessage } from './message-table.ts';

export interface SwarmOptions {
  readonly port: number;
  readonly clients: number;
  /** Path and query; default `/ws`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pings of each client as a base node sends them; default none. */
  readonly pingEveryMs?: number;
}

/** Dials at once: below the connections that one address may have pending at an edge (MAX_PENDING_PER_IP, 50). */
const DIALS_AT_ONCE = 40;

/** One light WebSocket client on a plain socket. */
export class SwarmClient {
  readonly #wire: WireClient;
  readonly #swarm: ClientSwarm;
  /** Numbers of the messages it received, by {@link ClientSwarm.messages}. */
  readonly received: number[] = [];
  /** How each of them came. */
  readonly frameKinds: DecodedFrame['kind'][] = [];
  /** Status of the answer to its handshake; 101 when it is connected. */
  status: number | undefined;
  /** Headers of that answer, names in lower case. */
  answer: ReadonlyMap<string, string> = new Map();
  closeCode: number | undefined;
  closeReason = '';
  closed = false;
  pings = 0;
  pongs = 0;
  /** What broke the protocol, if anything did. */
  fault: Error | undefined;
  /** Worst time by which it had a message later than the first client, in milliseconds. */
  worstDelayMs = 0;

  constructor(swarm: ClientSwarm, options: SwarmOptions) {
    this.#swarm = swarm;
    const { port, path = '/ws', headers = {} } = options;
    this.#wire = new WireClient(
      { port, path, headers },
      {
        answered: (status, answer) => {
          this.status = status;
          this.answer = answer;
          swarm.changes.notify();
        },
        frame: (opcode, payload) => this.#take(opcode, payload),
        closed: (fault) => {
          this.fault = fault;
          this.closed = true;
          swarm.changes.notify();
        },
      },
    );
  }

  get connected(): boolean {
    return this.status === 101 && !this.closed;
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text || opcode === OPCODE.binary) {
      const { number, kind } = this.#swarm.register(payload, opcode === OPCODE.binary);
      this.received.push(number);
      this.frameKinds.push(kind);
      const delay = performance.now() - (this.#swarm.messages[number]?.at ?? 0);
      if (delay > this.worstDelayMs) this.worstDelayMs = delay;
    } else if (opcode === OPCODE.ping) {
      this.pings++;
      this.#wire.send(OPCODE.pong, payload);
    } else if (opcode === OPCODE.pong) this.pongs++;
    else if (opcode === OPCODE.close) {
      this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.closeReason = payload.toString('utf8', 2);
      this.#wire.close(payload.subarray(0, 2));
    } else throw new Error(`opcode ${opcode}`);
    this.#swarm.changes.notify();
  }

  /** Messages that came again, out of order or after a hole, seen from the swarm's order. */
  get disorder(): number {
    return this.received.filter((number, at) => at > 0 && number !== (this.received[at - 1] ?? 0) + 1).length;
  }

  /** The plain contents it received. */
  get contents(): Buffer[] {
    return this.received.map((number) => this.#swarm.messages[number]!.plain);
  }

  /** Positions it received, as `block-index`; what is no flashblock is `other`. */
  get positions(): string[] {
    return this.received.map((number) => {
      const position = this.#swarm.messages[number]?.head?.position;
      return position === undefined ? 'other' : `${position.blockNumber}-${position.index}`;
    });
  }

  ping(payload?: Buffer): void {
    if (this.connected) this.#wire.send(OPCODE.ping, payload);
  }
  stopReading(): void {
    this.#wire.pause();
  }
  resumeReading(): void {
    this.#wire.resume();
  }
  /** Ends it with a Close frame. */
  close(code = 1000): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#wire.close(payload);
  }
  destroy(): void {
    this.#wire.destroy();
  }
}

/** Many clients in one process, cheap enough for thousands: `const swarm = use(await ClientSwarm.connect({...}))`. */
export class ClientSwarm implements AsyncDisposable {
  readonly clients: SwarmClient[] = [];
  readonly changes = new Changes();
  readonly #table = new MessageTable();
  #pinging: NodeJS.Timeout | undefined;

  /** All that some client received, in the order in which the first client saw each. */
  get messages(): readonly SeenMessage[] {
    return this.#table.messages;
  }

  /** Connects them all; resolves when each one's handshake was answered or its socket closed. */
  static async connect(options: SwarmOptions): Promise<ClientSwarm> {
    const swarm = new ClientSwarm();
    await swarm.add(options);
    if (options.pingEveryMs !== undefined)
      swarm.#pinging = setInterval(() => {
        for (const client of swarm.clients) client.ping();
      }, options.pingEveryMs);
    return swarm;
  }

  /** Adds clients, to this or another server, and gives the new ones. */
  async add(options: SwarmOptions): Promise<readonly SwarmClient[]> {
    const added: SwarmClient[] = [];
    const pending = (): number => added.filter(({ status, closed }) => status === undefined && !closed).length;
    while (added.length < options.clients) {
      await this.changes.until(() => pending() < DIALS_AT_ONCE, 'answers to handshakes');
      const client = new SwarmClient(this, options);
      added.push(client);
      this.clients.push(client);
    }
    await this.changes.until(
      () => pending() === 0,
      () => `${pending()} answers to handshakes`,
    );
    return added;
  }

  /** See {@link MessageTable.register}. */
  register(payload: Buffer, isBinary: boolean): { readonly number: number; readonly kind: DecodedFrame['kind'] } {
    return this.#table.register(payload, isBinary);
  }

  /** Waits until every client given (default: all that are connected) has received so many messages. */
  async received(count: number, clients: readonly SwarmClient[] = this.clients, patienceMs?: number): Promise<void> {
    const behind = (): number => clients.filter((client) => client.received.length < count).length;
    await this.changes.until(
      () => behind() === 0,
      () => `${count} messages at each client (${behind()} of ${clients.length} have fewer)`,
      patienceMs,
    );
  }

  /** Waits until every client given is closed. */
  async closed(clients: readonly SwarmClient[] = this.clients, patienceMs?: number): Promise<void> {
    const open = (): number => clients.filter((client) => !client.closed).length;
    await this.changes.until(
      () => open() === 0,
      () => `the end of ${open()} clients`,
      patienceMs,
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#pinging);
    for (const client of this.clients) client.destroy();
    await this.closed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
