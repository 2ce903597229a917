import type { Client } from './client.ts';

/** A slice of catch-ups ends after so many milliseconds too: its messages may be large, and their encodings have yet to be made. */
export const SLICE_MS = 2;

/** Whether there is more to write to a client, and it can be written now. */
export function canGoOn(client: Client, head: number): boolean {
  const { blocked, held, cursor } = client;
  return cursor < head && !blocked && !held && client.open && client.socket.errored === null;
}

/**
 * Clients that wait to be caught up, served first come, first served in slices: of a thousand the first is live at once, and
 * the last no later than if they took turns. Holds each client once, so that it ends at the number of clients.
 */
export class CatchUps {
  readonly #clients = new Set<Client>();
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#clients.size;
  }

  add(client: Client): void {
    client.queued = true;
    this.#clients.add(client);
  }

  delete(client: Client): void {
    client.queued = false;
    this.#clients.delete(client);
  }

  clear(): void {
    for (const client of this.#clients) this.delete(client);
  }

  /**
   * Serves those that have waited longest. Who is done, or cannot be written to now, leaves the queue.
   *
   * @param maxWrites frames that the slice may write
   * @param serve writes at most `budget` frames, and goes to no message after `deadline` but the first; returns how many frames
   * @param head the ring's
   * @returns how many frames were written, and how long it took
   */
  slice(
    maxWrites: number,
    serve: (client: Client, budget: number, deadline: number) => number,
    head: number,
  ): { writes: number; durationMs: number } {
    const startedAt = this.#now();
    const deadline = startedAt + SLICE_MS;
    let writes = 0;
    let isFirst = true;
    for (const client of this.#clients) {
      if (writes >= maxWrites || (!isFirst && this.#now() >= deadline)) break;
      isFirst = false;
      writes += serve(client, maxWrites - writes, deadline);
      if (canGoOn(client, head)) break;
      this.delete(client);
    }
    return { writes, durationMs: this.#now() - startedAt };
  }
}
