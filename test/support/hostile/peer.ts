import { connect, type Socket } from 'node:net';
import { FrameCutter, OPCODE } from '../raw-frames.ts';

export interface HostileTarget {
  readonly port: number;
  /** One of 127.0.0.0/8, so that many peers have many addresses; default what the system gives. */
  readonly from?: string;
}

/** Answers of the server are short: the rest of what comes before an upgrade is of no interest. */
const MAX_ANSWER_CHARS = 4096;

/**
 * A peer that keeps to no rule. What became of it is one word: `status 431`, `close 1009` (upgraded, then closed with that code),
 * `cut` (upgraded, then ended without a Close), `ended` (no answer), or `open` when it ended the connection itself.
 */
export class HostilePeer {
  readonly socket: Socket;
  /** Resolves with what became of it, when the connection is over. */
  readonly outcome: Promise<string>;
  /** Resolves when the answer's head has come, or the connection is over. */
  readonly answered: Promise<void>;
  #answer = '';
  #upgraded = false;
  #frames: FrameCutter | undefined;
  #closeCode: number | undefined;
  #left = false;
  #resolveAnswered: () => void = () => undefined;

  constructor({ port, from }: HostileTarget, bytes?: Buffer | string) {
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      ...(from !== undefined && { localAddress: from }),
    });
    this.answered = new Promise((resolve) => {
      this.#resolveAnswered = resolve;
    });
    this.outcome = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#resolveAnswered();
        resolve(this.#outcome);
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => {
      this.#read(chunk);
    });
    if (bytes !== undefined) this.socket.write(bytes);
  }

  get upgraded(): boolean {
    return this.#upgraded;
  }
  /** Whether something can still be written. */
  get writable(): boolean {
    return this.socket.writable && this.#closeCode === undefined;
  }

  /** Leaves without a word. */
  leave(): void {
    this.#left = !this.socket.destroyed;
    this.socket.destroy();
  }

  get #outcome(): string {
    if (this.#closeCode !== undefined) return `close ${this.#closeCode}`;
    if (this.#left) return 'open';
    if (this.#upgraded) return 'cut';
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.#answer)?.[1];
    return status === undefined ? 'ended' : `status ${status}`;
  }

  #read(chunk: Buffer): void {
    if (this.#frames !== undefined) {
      this.#readFrames(chunk);
      return;
    }
    const answer = this.#answer + chunk.toString('latin1');
    const end = answer.indexOf('\r\n\r\n');
    this.#answer = answer.slice(0, MAX_ANSWER_CHARS);
    if (end === -1) return;
    this.#upgraded = answer.startsWith('HTTP/1.1 101 ');
    if (this.#upgraded) {
      this.#frames = new FrameCutter();
      this.#readFrames(Buffer.from(answer.slice(end + 4), 'latin1'));
    }
    this.#resolveAnswered();
  }

  #readFrames(chunk: Buffer): void {
    for (const { opcode, payload } of this.#frames?.push(chunk) ?? []) {
      if (opcode !== OPCODE.close) continue;
      this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.socket.end();
    }
  }
}
