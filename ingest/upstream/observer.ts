import { comparePositions, type FlashblockHead, type Position } from '../../shared/flashblock.ts';
import type { Logger } from '../../shared/log.ts';
import type { IngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import { isEarly } from '../sequencer/successor.ts';
import type { ConnectionEnd } from './failure.ts';

/** The metrics of connections and arrivals; those of ordering and publishing belong to others. */
export type UpstreamMetrics = Pick<
  IngestMetrics,
  | 'upstreamErrors'
  | 'upstreamConnectionAttempts'
  | 'upstreamConnectionSuccesses'
  | 'upstreamConnectionFailures'
  | 'upstreamConnections'
  | 'pingAttempts'
  | 'pingFailures'
  | 'pingSent'
  | 'upstreamMessages'
  | 'upstreamBytes'
  | 'upstreamRaw'
  | 'upstreamOversized'
  | 'upstreamConnected'
  | 'upstreamGaps'
  | 'watchUpstreamAge'
>;

/** One helper for each event of an upstream; it owns the event's metrics and its log line, and knows no URI. */
export class UpstreamObserver {
  readonly #metrics: UpstreamMetrics;
  readonly #log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  readonly #label: { readonly upstream: string };
  /** Oversized messages are logged once for a connection, as one upstream may send nothing else. */
  #oversizedLogged = false;
  /** What the connection was asked to go on after, until its first flashblock. */
  #resumesAfter: Position | undefined;

  constructor(name: string, metrics: UpstreamMetrics, log: Pick<Logger, 'debug' | 'info' | 'warn'>) {
    this.#label = { upstream: name };
    this.#metrics = metrics;
    this.#log = log;
    // Every series is there from the start, so that a rate over it sees the first event.
    metrics.upstreamConnected.set(this.#label, 0);
    for (const counter of [
      metrics.upstreamMessages,
      metrics.upstreamBytes,
      metrics.upstreamRaw,
      metrics.upstreamOversized,
    ]) {
      counter.inc(this.#label, 0);
    }
  }

  /** @param ageMs time since the last message, or since the start where none came yet; asked at each scrape */
  watchAge(ageMs: () => number): () => void {
    return this.#metrics.watchUpstreamAge(this.#label.upstream, () => ageMs() / 1000);
  }

  dialled(): void {
    this.#metrics.upstreamConnectionAttempts.inc();
  }

  /**
   * The upstream is connected, having not been so before.
   *
   * @param after position that the dial asked to go on after
   */
  connected(after: Position | undefined): void {
    this.#metrics.upstreamConnectionSuccesses.inc();
    this.#oversizedLogged = false;
    this.#resumesAfter = after;
    this.#log.info({ ...this.#label, resumed: after !== undefined }, 'upstream connected');
  }

  /** The first flashblock of a connection tells whether the one before was taken up where it ended. */
  flashblock(head: FlashblockHead): void {
    if (this.#resumesAfter === undefined) return;
    const follows = comparePositions(head.position, this.#resumesAfter) > 0 && !isEarly(head, this.#resumesAfter);
    if (follows) this.#metrics.upstreamGaps.inc({ ...this.#label, outcome: 'resumed' });
    this.#resumesAfter = undefined;
  }

  /** A silent upstream answered on a second connection, which took the place of the first. */
  redialled(): void {
    this.#metrics.upstreamConnectionSuccesses.inc();
    this.#oversizedLogged = false;
    this.#log.debug(this.#label, 'silent upstream redialled');
  }

  /** The second connection to a silent upstream could not be opened; the first one stays. Not a failure. */
  redialFailed(end: ConnectionEnd): void {
    this.#log.debug({ ...this.#label, ...describe(end) }, 'silent upstream not reached again');
  }

  /** A dial was refused for its resume parameters, perhaps; it is repeated at once without them. */
  resumeRefused(end: ConnectionEnd): void {
    this.#metrics.upstreamConnectionFailures.inc();
    this.#log.info({ ...this.#label, ...describe(end) }, 'upstream refused a dial with resume parameters');
  }

  dialFailed(end: ConnectionEnd, retryInMs: number): void {
    this.#metrics.upstreamConnectionFailures.inc();
    this.#metrics.upstreamErrors.inc();
    this.#log.warn({ ...this.#label, ...describe(end), retryInMs: Math.round(retryInMs) }, 'upstream dial failed');
  }

  disconnected(end: ConnectionEnd, retryInMs: number): void {
    if (end.reason !== 'closed') this.#metrics.upstreamErrors.inc();
    if (end.reason === 'oversized') this.#metrics.upstreamOversized.inc(this.#label);
    this.#log.warn({ ...this.#label, ...describe(end), retryInMs: Math.round(retryInMs) }, 'upstream disconnected');
  }

  setConnected(connected: boolean): void {
    this.#metrics.upstreamConnections.inc(connected ? 1 : -1);
    this.#metrics.upstreamConnected.set(this.#label, connected ? 1 : 0);
  }

  ping(outcome: 'sent' | 'failed'): void {
    this.#metrics.pingAttempts.inc();
    if (outcome === 'sent') this.#metrics.pingSent.inc();
    else this.#metrics.pingFailures.inc();
  }

  /** @param bytes of the frame as it came */
  message(bytes: number, kind: 'json' | 'raw' | 'oversized'): void {
    this.#metrics.upstreamMessages.inc(this.#label);
    this.#metrics.upstreamBytes.inc(this.#label, bytes);
    if (kind === 'raw') this.#metrics.upstreamRaw.inc(this.#label);
    if (kind !== 'oversized') return;
    this.#metrics.upstreamOversized.inc(this.#label);
    if (!this.#oversizedLogged) this.#log.warn({ ...this.#label, bytes }, 'upstream sent a message that is too large');
    this.#oversizedLogged = true;
  }
}

function describe(end: ConnectionEnd): Record<string, unknown> {
  return {
    reason: end.reason,
    ...(end.httpStatus !== undefined && { httpStatus: end.httpStatus }),
    ...(end.closeCode !== undefined && { closeCode: end.closeCode }),
  };
}
