import type { Envelope } from '../../shared/envelope.ts';
import type { RingBounds } from './ring.ts';

interface Waiting {
  readonly envelope: Envelope;
  readonly arrival: number;
}

/**
 * Live messages that wait for the history to be read, in order of arrival, within the bounds of the stream. The oldest are
 * let go: they are in the history, and what follows them asks for another read.
 */
export class WaitingMessages {
  readonly #bounds: RingBounds;
  #messages: Waiting[] = [];
  #bytes = 0;
  #arrivals = 0;

  constructor(bounds: RingBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many messages ever arrived here: tells what arrived before a moment from what came later. */
  get arrivals(): number {
    return this.#arrivals;
  }

  push(envelope: Envelope): void {
    this.#arrivals += 1;
    this.#messages.push({ envelope, arrival: this.#arrivals });
    this.#bytes += envelope.payload.length;
    while (
      this.#messages.length > 1 &&
      (this.#messages.length > this.#bounds.streamMaxMessages || this.#bytes > this.#bounds.streamMaxBytes)
    ) {
      this.#bytes -= this.#messages.shift()?.envelope.payload.length ?? 0;
    }
  }

  has(token: string): boolean {
    return this.#messages.some(({ envelope }) => envelope.token === token);
  }

  /**
   * Takes the messages out for which `take` says so, one by one in order of arrival.
   *
   * @param take `'passed'`: the stream has reached this message, and with it has passed all that arrived before it
   */
  takeWhere(take: (envelope: Envelope, arrival: number) => boolean | 'passed'): void {
    const messages = this.#messages;
    this.#messages = [];
    for (const message of messages) {
      const taken = take(message.envelope, message.arrival);
      if (taken === 'passed') this.#messages = [];
      if (taken === false) this.#messages.push(message);
    }
    this.#bytes = this.#messages.reduce((sum, { envelope }) => sum + envelope.payload.length, 0);
  }
}
