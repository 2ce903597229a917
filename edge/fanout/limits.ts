/**
 * When a client is too slow (client-protocol: "Resume and catch-up", "Close codes"). Pure: the ring, the times and the
 * client's state are handed in.
 */
import type { Envelope } from '../../shared/envelope.ts';
import type { ClientEncoding, Ring, RingEntry } from '../stream/contract.ts';
import type { Slowness } from './client.ts';

export interface LagLimits {
  /** Messages that may wait for one client. */
  readonly messageBufferSize: number;
  /** Bytes that may wait for one client. */
  readonly clientQueueBytes: number;
  /** How long a socket may take no byte while something waits; and how long a message is deliverable before it counts. */
  readonly clientSendTimeoutMs: number;
}

/** The part of a client's state that its lag is judged by. */
export interface LagState {
  readonly cursor: number;
  readonly inFlight: number | undefined;
  readonly catchingUp: boolean;
  readonly progressAt: number;
  readonly encoding: ClientEncoding;
}

/** A client that catches up may take no byte for this many times CLIENT_SEND_TIMEOUT_MS. */
export const CATCH_UP_PATIENCE = 10;

/** Bytes of a message's payload in an encoding, without making that encoding; brotli of a plain payload counts as plain. */
export function payloadBytes(envelope: Envelope, encoding: ClientEncoding): number {
  return encoding === 'br' && envelope.kind === 'json' ? envelope.payload.length : envelope.plainLength;
}

/**
 * The ordinal below which messages have been deliverable for CLIENT_SEND_TIMEOUT_MS. Younger ones count towards no limit,
 * so that a burst closes nobody.
 */
export function ripeBefore(ring: Ring, now: number, limits: LagLimits): number {
  let ordinal = ring.head;
  while (ordinal > ring.tail) {
    const entry = ring.at(ordinal - 1);
    if (entry === undefined || now - entry.arrivedAt >= limits.clientSendTimeoutMs) break;
    ordinal -= 1;
  }
  return ordinal;
}

/** Everything is for a client without a filter. */
const everything = (): boolean => true;

/**
 * @param ripe what {@link ripeBefore} gives for this moment
 * @param wants whether a message is for the client; no other counts
 * @returns `fell_out`: the next message has left the ring; `time`: the socket took no byte for too long; `messages`,
 *   `bytes`: too many wait. A catch-up's backlog is no lag, and a single message is never too many bytes.
 */
export function slownessOf(
  client: LagState,
  ring: Ring,
  ripe: number,
  now: number,
  limits: LagLimits,
  wants: (entry: RingEntry) => boolean = everything,
): Slowness | undefined {
  if (client.cursor < ring.tail) return 'fell_out';
  const patience = limits.clientSendTimeoutMs * (client.catchingUp ? CATCH_UP_PATIENCE : 1);
  if (now - client.progressAt >= patience) return 'time';
  if (client.catchingUp) return undefined;
  let messages = 0;
  let bytes = 0;
  const count = (entry: RingEntry | undefined): void => {
    messages += 1;
    if (entry !== undefined) bytes += payloadBytes(entry.envelope, client.encoding);
  };
  if (client.inFlight !== undefined && client.inFlight < ripe) count(ring.at(client.inFlight));
  for (let ordinal = client.cursor; ordinal < ripe; ordinal += 1) {
    const entry = ring.at(ordinal);
    if (entry !== undefined && wants(entry)) count(entry);
    if (messages > limits.messageBufferSize) return 'messages';
  }
  return messages > 1 && bytes > limits.clientQueueBytes ? 'bytes' : undefined;
}

/** Messages closer together than this come as one burst: a tenth of the 200 ms between flashblocks. */
const BURST_GAP_MS = 20;

/**
 * Recognises a burst, as after an outage: messages in quick succession that alone would exceed a client's limits. While
 * it lasts, and until they have once reached the head, clients catch up.
 */
export class BurstDetector {
  readonly #limits: LagLimits;
  #messages = 0;
  #bytes = 0;
  #lastAt = -Infinity;

  constructor(limits: LagLimits) {
    this.#limits = limits;
  }

  /** @returns whether the message belongs to a burst that exceeds the limits */
  add(envelope: Envelope, arrivedAt: number): boolean {
    if (arrivedAt - this.#lastAt >= BURST_GAP_MS) {
      this.#messages = 0;
      this.#bytes = 0;
    }
    this.#lastAt = arrivedAt;
    this.#messages += 1;
    this.#bytes += envelope.plainLength;
    return (
      this.#messages > this.#limits.messageBufferSize ||
      (this.#messages > 1 && this.#bytes > this.#limits.clientQueueBytes)
    );
  }
}
