import { Changes } from '../support/changes.ts';
import { flashblockJson } from '../support/messages.ts';
import type { ConnectionEnd, Opening, Platform, TransportListener } from '../../client/transport.ts';

/** Time that goes on when a test says so. */
class FakeClock {
  ms = 1_000_000;
  /** What `random` gives. */
  drawn = 0.5;
  readonly #timers = new Map<object, { readonly at: number; readonly callback: () => void }>();

  readonly unixMs = (): number => 1_700_000_000_000 + this.ms;
  readonly monotonicMs = (): number => this.ms;
  readonly random = (): number => this.drawn;
  readonly after = (ms: number, callback: () => void): (() => void) => {
    const timer = {};
    this.#timers.set(timer, { at: this.ms + ms, callback });
    return () => this.#timers.delete(timer);
  };

  /** Milliseconds until each timer that waits. */
  get waits(): number[] {
    return [...this.#timers.values()].map(({ at }) => at - this.ms).sort((a, b) => a - b);
  }

  pass(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const [next] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined || next[1].at > end) break;
      this.#timers.delete(next[0]);
      this.ms = Math.max(this.ms, next[1].at);
      next[1].callback();
    }
    this.ms = end;
  }
}

/** One dialled connection; the test plays the server. */
export class FakeConnection {
  readonly url: string;
  readonly #listener: TransportListener;
  pauses = 0;
  resumes = 0;
  pings = 0;
  closed = false;
  #ended = false;

  constructor(url: string, listener: TransportListener) {
    this.url = url;
    this.#listener = listener;
  }

  open(opening: Opening = {}): this {
    this.#listener.opened(opening);
    return this;
  }
  text(json: Buffer | string): void {
    this.#listener.frame({ isText: true, bytes: Buffer.from(json) });
  }
  binary(bytes: Buffer): void {
    this.#listener.frame({ isText: false, bytes });
  }
  /** Flashblocks, small ones. */
  blocks(...positions: readonly (readonly [number, number])[]): void {
    for (const [blockNumber, index] of positions) this.text(flashblockJson({ blockNumber, index }));
  }
  heard(): void {
    this.#listener.heard();
  }
  end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.ended(end);
  }
}

/** A platform without sockets: what was dialled, and a clock of the test. */
export class FakeNet {
  readonly clock = new FakeClock();
  readonly changes = new Changes();
  readonly dials: FakeConnection[] = [];
  readonly platform: Platform;

  /** @param canPause whether its connections can be paused and pinged, as those of Node */
  constructor(canPause = true) {
    this.platform = {
      clock: this.clock,
      open: (url, listener) => {
        const connection = new FakeConnection(url, listener);
        this.dials.push(connection);
        return {
          ...(canPause && {
            pause: () => connection.pauses++,
            resume: () => connection.resumes++,
            ping: () => connection.pings++,
          }),
          close: () => {
            connection.closed = true;
            connection.end({ kind: 'closed', code: 1000, reason: '' });
          },
        };
      },
    };
  }

  get last(): FakeConnection {
    const last = this.dials.at(-1);
    if (last === undefined) throw new Error('nothing was dialled');
    return last;
  }
}
