import type { Ring } from '../stream/contract.ts';
import type { Client } from './client.ts';
import type { ClientWriter } from './client-writer.ts';
import type { DeliveryMetrics } from './delivery-metrics.ts';
import type { Filtering } from './filtering.ts';

export interface DeliveryDependencies {
  readonly ring: Ring;
  readonly writer: Pick<ClientWriter, 'write'>;
  readonly filtering: Pick<Filtering, 'wants'>;
  readonly metrics: Pick<DeliveryMetrics, 'sent' | 'failed'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The one way of a message to a client: moves its cursor and writes the frames that its filter wants. */
export class Delivery {
  readonly #deps: DeliveryDependencies;
  /** The ring's head after the last entry of the last burst. */
  #burstEnd = 0;

  constructor(dependencies: DeliveryDependencies) {
    this.#deps = dependencies;
  }

  /** The newest entry belongs to a burst: who blocks on it, or on one before it, catches up. */
  burst(): void {
    this.#burstEnd = this.#deps.ring.head;
  }

  /**
   * Writes what a client wants of all that is between its cursor and the head, until its socket blocks, `budget` frames are
   * written or it is `deadline`.
   *
   * @param deadline monotonic milliseconds; goes to no message after it but the first
   * @returns how many frames were written
   */
  serve(client: Client, budget: number, deadline: number): number {
    if (client.blocked || client.held) return 0;
    const { ring, filtering, metrics, now } = this.#deps;
    const head = ring.head;
    const first = client.cursor;
    let writes = 0;
    while (
      client.cursor < head &&
      writes < budget &&
      (client.cursor === first || deadline === Infinity || now() < deadline)
    ) {
      const ordinal = client.cursor;
      const entry = ring.at(ordinal);
      if (entry === undefined) {
        client.tooSlow('fell_out');
        return writes;
      }
      client.cursor += 1;
      if (client.filter !== undefined && !filtering.wants(entry, client.filter)) continue;
      // Not asked before: most visits to filtered clients end above, and there are many.
      if (!client.open) return writes;
      const frame = entry.frame(client.encoding);
      if (frame === undefined) {
        metrics.failed();
        continue;
      }
      const taken = this.#deps.writer.write(client, frame);
      if (client.socket.errored !== null) {
        metrics.failed();
        return writes;
      }
      writes += 1;
      metrics.sent(frame.length, client.filter !== undefined);
      if (!taken) {
        client.inFlight = ordinal;
        if (client.cursor <= this.#burstEnd) client.catchingUp = true;
        return writes;
      }
    }
    if (client.cursor === head) client.catchingUp = false;
    return writes;
  }
}
