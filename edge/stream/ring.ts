/**
 * The recent stream in memory, bounded by messages and by bytes; the first bound reached holds and the newest message is
 * always kept (redis: "Publishing"). Everything a client is sent comes from here: a client is the ordinal of the entry that
 * it gets next.
 *
 * A frame is made when the first client needs it and kept with its entry. Compressing is done right then and not ahead:
 * usual messages take a quarter of a millisecond, only streams that arrive plain need it at all, and a frame that is there when
 * it is asked for keeps the fan-out free of waiting and of reordering.
 */
import type { EncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import type { StreamBounds } from '../../shared/backplane/backplane.ts';
import type { Delivery, Ring, RingEntry } from './contract.ts';
import { KeptMessage, type RingCodec, type RingEntryOwner } from './ring-entry.ts';

export type RingBounds = Pick<StreamBounds, 'streamMaxMessages' | 'streamMaxBytes'>;

export interface RingDependencies {
  readonly codec: RingCodec;
  readonly metrics: EncodingMetrics;
  /** A message whose payload cannot be decoded; told once per message. */
  readonly onUndecodable: (entry: RingEntry) => void;
}

class BoundedRing implements Ring, RingEntryOwner {
  readonly #bounds: RingBounds;
  readonly #deps: RingDependencies;
  readonly #codec: RingCodec;
  /** Entry `n` stands at `n % streamMaxMessages`. */
  readonly #slots: (KeptMessage | undefined)[] = [];
  #head = 0;
  #tail = 0;
  #bytes = 0;

  constructor(bounds: RingBounds, deps: RingDependencies) {
    this.#bounds = bounds;
    this.#deps = deps;
    this.#codec = {
      compress: (plain) => deps.codec.compress(plain),
      // A message cannot be larger than the whole stream: what an envelope says is no reason to inflate gigabytes.
      decompress: (payload, plainLength) =>
        plainLength > bounds.streamMaxBytes ? undefined : deps.codec.decompress(payload, plainLength),
    };
  }

  get head(): number {
    return this.#head;
  }

  get tail(): number {
    return this.#tail;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(delivery: Delivery, now: number): RingEntry {
    if (this.#head - this.#tail === this.#bounds.streamMaxMessages) this.#dropOldest();
    const entry = new KeptMessage(this.#head, delivery, now, this.#codec, this);
    this.#slots[this.#slot(entry.ordinal)] = entry;
    this.#head += 1;
    this.#bytes += entry.bytes;
    this.#dropExcess();
    return entry;
  }

  at(ordinal: number): RingEntry | undefined {
    return ordinal >= this.#tail && ordinal < this.#head ? this.#slots[this.#slot(ordinal)] : undefined;
  }

  grown(entry: RingEntry, bytes: number): void {
    if (this.at(entry.ordinal) !== entry) return;
    this.#bytes += bytes;
    this.#dropExcess();
  }

  encoded(encoding: 'br' | 'identity', seconds: number, bytes: number): void {
    this.#deps.metrics.encodeDuration.observe({ encoding }, seconds);
    this.#deps.metrics.messageBytes.observe({ encoding }, bytes);
  }

  undecodable(entry: RingEntry): void {
    this.#deps.onUndecodable(entry);
  }

  #slot(ordinal: number): number {
    return ordinal % this.#bounds.streamMaxMessages;
  }

  #dropExcess(): void {
    while (this.#bytes > this.#bounds.streamMaxBytes && this.#head - this.#tail > 1) this.#dropOldest();
  }

  #dropOldest(): void {
    const slot = this.#slot(this.#tail);
    this.#bytes -= this.#slots[slot]?.bytes ?? 0;
    this.#slots[slot] = undefined;
    this.#tail += 1;
  }
}

/** @throws RangeError when a bound is not a whole number from 1 */
export function createRing(bounds: RingBounds, deps: RingDependencies): Ring & { readonly bytes: number } {
  for (const bound of [bounds.streamMaxMessages, bounds.streamMaxBytes]) {
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError(`a ring cannot be bounded by ${bound}`);
  }
  return new BoundedRing(bounds, deps);
}
