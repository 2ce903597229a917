import type { ClientClock, ConnectionEnd, OpenTransport, Transport, TransportListener } from './transport.ts';

export interface DialOptions {
  readonly url: string;
  readonly open: OpenTransport;
  readonly clock: ClientClock;
  readonly connectTimeoutMs: number;
  /** 0 for never. */
  readonly idleTimeoutMs: number;
}

/** Silence is looked at so often in the time that is allowed for it; each look is a ping too. */
const LOOKS_PER_TIMEOUT = 3;

/** One connection from its dial to its end, with its deadlines. Its listener is told of the end once, and nothing after it. */
export class Dial {
  readonly #options: DialOptions;
  readonly #listener: Omit<TransportListener, 'heard'>;
  readonly #transport: Transport;
  #cancelTimer: () => void;
  #heardAt = 0;
  #paused = false;
  #told = false;
  #settle: () => void = () => undefined;
  /** Resolves when the socket is gone. */
  readonly gone = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  constructor(options: DialOptions, listener: Omit<TransportListener, 'heard'>) {
    this.#options = options;
    this.#listener = listener;
    this.#cancelTimer = () => undefined;
    this.#transport = options.open(options.url, {
      opened: (opening) => {
        if (this.#told) return;
        this.#cancelTimer();
        this.#watch();
        listener.opened(opening);
      },
      frame: (frame) => {
        this.#heardAt = options.clock.monotonicMs();
        if (!this.#told) listener.frame(frame);
      },
      heard: () => {
        this.#heardAt = options.clock.monotonicMs();
      },
      ended: (end) => {
        this.#end(end);
        this.#settle();
      },
    });
    // Nothing is told before the dial's caller goes on. What cannot even be dialled throws above, and leaves no timer behind.
    this.#cancelTimer = options.clock.after(options.connectTimeoutMs, () => {
      this.#giveUp(`no connection within ${options.connectTimeoutMs} ms`);
    });
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Stops reading. @returns whether that can be done */
  pause(): boolean {
    if (this.#transport.pause === undefined) return false;
    this.#paused = true;
    this.#transport.pause();
    return true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAt = this.#options.clock.monotonicMs();
    this.#transport.resume?.();
  }

  /** Leaves; the listener hears nothing more. Resolves when the socket is gone. */
  async close(): Promise<void> {
    this.#told = true;
    this.#cancelTimer();
    this.#transport.close();
    await this.gone;
  }

  #end(end: ConnectionEnd): void {
    this.#cancelTimer();
    if (this.#told) return;
    this.#told = true;
    this.#listener.ended(end);
  }

  #giveUp(reason: string): void {
    this.#end({ kind: 'failed', reason });
    this.#transport.close();
  }

  #watch(): void {
    const { clock, idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === 0) return;
    this.#heardAt = clock.monotonicMs();
    const look = (): void => {
      const silentMs = clock.monotonicMs() - this.#heardAt;
      if (this.#paused) this.#heardAt = clock.monotonicMs();
      else if (silentMs >= idleTimeoutMs) {
        this.#giveUp(`nothing came for ${idleTimeoutMs} ms`);
        return;
      } else this.#transport.ping?.();
      this.#cancelTimer = clock.after(Math.ceil(idleTimeoutMs / LOOKS_PER_TIMEOUT), look);
    };
    this.#cancelTimer = clock.after(Math.ceil(idleTimeoutMs / LOOKS_PER_TIMEOUT), look);
  }
}
