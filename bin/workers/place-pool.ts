import type { Order } from './messages.ts';

/** A worker that takes places; told what it gets. */
export interface PlaceTaker {
  send(order: Extract<Order, { kind: 'granted' }>): void;
}

/**
 * The places for clients of all workers together (INSTANCE_CONNECTION_LIMIT). The primary alone counts them, so that there are never
 * more clients than the limit, and nobody is refused while a place is free; a worker asks once for all that wait.
 */
export class PlacePool {
  readonly #limit: number;
  readonly #held = new Map<PlaceTaker, number>();
  #free: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#free = limit;
  }

  /** Places that clients have, or that are being admitted. */
  get taken(): number {
    return this.#limit - this.#free;
  }

  /** A worker gives places back, then asks for others, and is answered at once where it asks for any. */
  turn(taker: PlaceTaker, freed: number, wanted: number): void {
    const held = this.#held.get(taker) ?? 0;
    const returned = Math.min(freed, held);
    this.#free += returned;
    const places = Math.min(wanted, this.#free);
    this.#free -= places;
    this.#held.set(taker, held - returned + places);
    if (wanted > 0) taker.send({ kind: 'granted', places });
  }

  /** A worker is gone, and its clients with it. */
  gone(taker: PlaceTaker): void {
    this.#free += this.#held.get(taker) ?? 0;
    this.#held.delete(taker);
  }
}
