import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BaseNodeFleet } from '../../support/base-node-fleet.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

/** Longest wait for all clients: twice the stream that is kept, as who comes back later than that has lost messages anyway. */
const PATIENCE_MS = 2 * 60_000;
/** Messages that every client must have had behind an event: five seconds of stream. */
const BEHIND = 25;

/** What the clients saw since they were last looked at. */
export interface Seen {
  readonly lost: number;
  readonly repeated: number;
  /** Block indices that came in an order that a base node cannot use. */
  readonly violations: number;
  readonly messages: number;
  /** Connections that ended, by close code; 1006 without a Close. */
  readonly closes: ReadonlyMap<number, number>;
  /** Longest time in which one client got no message. */
  readonly silenceMs: number;
  /** Dials that were refused or not answered. */
  readonly failedDials: number;
  /** Longest time for which one client had no connection. */
  readonly awayMs: number;
  /** Longest time for which the clients' own process stood still, so that nothing could be said of the edges. */
  readonly stillMs: number;
  /** What edges said of the resumes: `complete`, `partial`, `live`. */
  readonly resumes: ReadonlyMap<string, number>;
}

/** What is counted from the clients' beginning on. */
type Counts = Pick<Seen, 'closes' | 'resumes' | 'failedDials'>;

/** What came to it since. */
function more<K>(now: ReadonlyMap<K, number>, before: ReadonlyMap<K, number>): ReadonlyMap<K, number> {
  const since = [...now].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return new Map(since.filter(([, count]) => count > 0));
}

/** Clients of the release that dial again as base nodes do and resume where they were, each with an address of its own. */
export class Clients {
  readonly #relay: TcpProxy;
  readonly #fleet: BaseNodeFleet;
  readonly #loop = monitorEventLoopDelay();
  /** Messages that each had when it was last looked at, and what had happened until then. */
  #from: readonly number[] = [];
  #before: Counts = { closes: new Map(), resumes: new Map(), failedDials: 0 };
  #lookedAt = 0;

  private constructor(relay: TcpProxy, fleet: BaseNodeFleet) {
    this.#relay = relay;
    this.#fleet = fleet;
    this.#loop.enable();
  }

  /** Resolves when so many clients are connected to the host and port. */
  static async connect(count: number, target: { readonly host: string; readonly port: number }): Promise<Clients> {
    const relay = await TcpProxy.start(target);
    const fleet = new BaseNodeFleet();
    const clients = new Clients(relay, fleet);
    fleet.add({
      nodes: count,
      url: () => `ws://127.0.0.1:${relay.port}/ws`,
      // Who leaves for a late Pong says how busy this machine is, and no more: that is for tests without a cluster on it.
      patient: true,
      // As a balancer would name them: the limits of one address hold, and are in nobody's way.
      headers: (number) => ({ 'X-Forwarded-For': `203.0.${113 + Math.floor(number / 250)}.${(number % 250) + 1}` }),
    });
    clients.#from = fleet.nodes.map(() => 0);
    try {
      await clients.#connected();
    } catch (error) {
      await clients.stop();
      throw error;
    }
    return clients;
  }

  get count(): number {
    return this.#fleet.nodes.length;
  }

  async #connected(): Promise<void> {
    const away = (): number => this.#fleet.nodes.filter(({ connected }) => !connected).length;
    await this.#fleet.changes.until(
      () => away() === 0,
      () => `the connections of ${away()} of ${this.count} clients`,
      PATIENCE_MS,
    );
  }

  /**
   * Waits until all are connected and have had {@link BEHIND} messages more, then tells what they saw since the last call.
   *
   * @throws AssertionError when one of them lost a message, had it twice or in a wrong order
   */
  async settled(): Promise<Seen> {
    await this.#connected();
    const { changes, nodes, table } = this.#fleet;
    const goal = table.messages.length + BEHIND;
    const behind = (): number => nodes.filter(({ received }) => (received.at(-1) ?? 0) < goal).length;
    await changes.until(
      () => behind() === 0,
      () => `message ${goal} at ${behind()} of ${this.count} clients`,
      PATIENCE_MS,
    );
    const seen = this.#look();
    const faults = seen.lost + seen.repeated + seen.violations;
    assert.equal(faults, 0, `${seen.violations} violations of the order; ${describeSeen(seen)}`);
    return seen;
  }

  #look(): Seen {
    const { nodes } = this.#fleet;
    let [lost, repeated, messages, silenceMs, awayMs] = [0, 0, 0, 0, 0];
    for (const [number, { received, receivedAt, closedAt, openedAt }] of nodes.entries()) {
      const from = this.#from[number]!;
      messages += received.length - from;
      for (let position = Math.max(1, from); position < received.length; position++) {
        const step = received[position]! - received[position - 1]!;
        if (step > 1) lost += step - 1;
        if (step < 1) repeated++;
        silenceMs = Math.max(silenceMs, receivedAt[position]! - receivedAt[position - 1]!);
      }
      // The first connection is the one that nothing was closed before.
      for (const [end, { at }] of closedAt.entries())
        if (at > this.#lookedAt) awayMs = Math.max(awayMs, (openedAt[end + 1] ?? at) - at);
    }
    const now = this.#count();
    const seen = {
      ...{ lost, repeated, messages, silenceMs, awayMs },
      violations: nodes.reduce((sum, { violations }) => sum + violations, 0),
      closes: more(now.closes, this.#before.closes),
      resumes: more(now.resumes, this.#before.resumes),
      failedDials: now.failedDials - this.#before.failedDials,
      stillMs: this.#loop.max / 1e6,
    };
    this.#from = nodes.map(({ received }) => received.length);
    this.#before = now;
    this.#loop.reset();
    this.#lookedAt = performance.now();
    return seen;
  }

  /** What happened since the clients began. */
  #count(): Counts {
    const counts = { closes: new Map<number, number>(), resumes: new Map<string, number>(), failedDials: 0 };
    for (const { closes, seams, failedDials } of this.#fleet.nodes) {
      for (const [code, count] of closes) counts.closes.set(code, (counts.closes.get(code) ?? 0) + count);
      for (const { outcome } of seams)
        if (outcome !== undefined) counts.resumes.set(outcome, (counts.resumes.get(outcome) ?? 0) + 1);
      counts.failedDials += failedDials;
    }
    return counts;
  }

  /** Ends them, and the relay that they go through. */
  async stop(): Promise<void> {
    this.#loop.disable();
    await this.#fleet.stop();
    await this.#relay.stop();
  }
}

/** `200 by 1001, 3 by 1006`. */
function told(counts: ReadonlyMap<string | number, number>, word: string): string {
  return [...counts].map(([key, count]) => `${count} ${word}${key}`).join(', ');
}

/** A line for people. */
export function describeSeen(seen: Seen): string {
  const { lost, repeated, messages, closes, resumes, failedDials, silenceMs, awayMs, stillMs } = seen;
  return [
    `${lost} lost and ${repeated} repeated of ${messages}`,
    ...(closes.size === 0 ? [] : [`closed: ${told(closes, 'by ')}`, `resumed: ${told(resumes, '')}`]),
    ...(failedDials === 0 ? [] : [`${failedDials} dials failed`]),
    ...(closes.size === 0 ? [] : [`longest away ${(awayMs / 1000).toFixed(1)} s`]),
    `longest silence ${(silenceMs / 1000).toFixed(1)} s`,
    `clients stood still for ${(stillMs / 1000).toFixed(1)} s`,
  ].join('; ');
}
