/**
 * Answers clients that ask for what they missed (client-protocol: "Resume and catch-up"): where each goes on, what it is
 * told of it, and how it is counted.
 */
import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Client } from '../fanout/client.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Ring, RingEntry } from '../stream/contract.ts';
import type { DeliverySource } from '../stream/follower.ts';
import { PositionsHad } from '../stream/positions-had.ts';
import { type Resume, type ResumeWish, oldestRetained, resumeFor } from '../stream/resume.ts';
import { PositionWaits } from './position-waits.ts';

export interface ResumesDependencies<C extends Client> {
  readonly ring: Pick<Ring, 'head' | 'tail' | 'at'>;
  readonly fanout: Pick<Fanout<C>, 'release'>;
  readonly metrics: Pick<EdgeMetrics, 'resumes'>;
  readonly stall: Pick<StallDetector, 'onStall'>;
  /** Monotonic milliseconds, the clock of {@link RingEntry.arrivedAt}. */
  readonly now: () => number;
}

export class Resumes<C extends Client> {
  readonly #retentionMs: number;
  readonly #deps: ResumesDependencies<C>;
  readonly #had = new PositionsHad();
  readonly #waits: PositionWaits<C>;
  #filling = false;

  constructor(settings: { readonly streamRetentionMs: number }, dependencies: ResumesDependencies<C>) {
    this.#retentionMs = settings.streamRetentionMs;
    this.#deps = dependencies;
    const { fanout, metrics } = dependencies;
    this.#waits = new PositionWaits<C>({
      ...dependencies,
      ended: (client, { outcome, cursor }) => {
        metrics.resumes.inc({ outcome });
        fanout.release(client, cursor);
      },
    });
  }

  /** Clients that wait for a position. */
  get waiting(): number {
    return this.#waits.size;
  }

  /** Where a client that connects now goes on. It holds until the next entry. */
  answer(wish: ResumeWish): Resume {
    const { ring, now } = this.#deps;
    return resumeFor(wish, { ring, oldest: oldestRetained(ring, now(), this.#retentionMs), had: this.#had });
  }

  /** The client goes on as answered, or waits until it is told to. To be called before it joins the fan-out. */
  join(client: C, { outcome, cursor, waitsFor }: Resume): void {
    client.cursor = cursor;
    if (waitsFor === undefined) {
      this.#deps.metrics.resumes.inc({ outcome });
      return;
    }
    client.held = true;
    this.#waits.add(client, waitsFor);
  }

  /** The client is gone. Idempotent. */
  remove(client: C): void {
    this.#waits.remove(client);
  }

  /** Takes each entry of the ring, before it is delivered. */
  entry(entry: RingEntry, source: DeliverySource): void {
    const { position, restart } = entry.envelope;
    if (source !== 'fill') this.filled();
    const restarts = position !== undefined && this.#had.add(position, restart);
    if (source === 'fill') this.#filling = true;
    else this.#waits.entry(entry, restarts);
  }

  /** The ring has been filled: clients that came before it find their positions in it now. Idempotent. */
  filled(): void {
    if (!this.#filling) return;
    this.#filling = false;
    this.#waits.review((after) => this.answer({ kind: 'position', after }));
  }

  /** Lets those go on live whose time is up. A timer sees to it. */
  expire(): void {
    this.#waits.expire();
  }

  /** Ends the timer. Idempotent. */
  stop(): void {
    this.#waits.stop();
  }
}

/** What the answer to a handshake says of a resume, as header lines. */
export function resumeHeaders({ outcome, from }: Resume): string[] {
  const lines = [`Flashcast-Resume: ${outcome}`];
  if (from !== undefined) lines.push(`Flashcast-From: ${from.blockNumber}-${from.index}`);
  return lines;
}
