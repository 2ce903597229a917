import { build, type Histogram } from 'hdr-histogram-js';
import type { ClientStats } from '../../client/node.ts';
import type { Facts } from './facts.ts';

/** An hour in microseconds; a longer pause counts as one. */
const MAX_INTERVAL_US = 3_600_000_000;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** Bytes in the unit that people would use. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** The intervals between messages, in a fixed amount of memory. */
export class Intervals {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_INTERVAL_US,
    numberOfSignificantValueDigits: 3,
  });

  add({ intervalMs }: Facts): void {
    if (intervalMs === undefined) return;
    this.#histogram.recordValue(Math.min(Math.max(1, Math.round(intervalMs * 1000)), MAX_INTERVAL_US));
  }

  /** `undefined` before the second message. */
  get text(): string | undefined {
    const histogram = this.#histogram;
    if (histogram.totalCount === 0) return undefined;
    const ms = (us: number): string => (us / 1000).toFixed(1);
    // A percentile is the upper end of its bucket, which may lie above all that was recorded.
    const [p50, p99] = [50, 99].map((percentile) =>
      ms(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue)),
    );
    return `intervals p50 ${p50} ms, p99 ${p99} ms, max ${ms(histogram.maxValue)} ms`;
  }
}

/** What a watch saw, in two sentences. */
export function summarize(stats: ClientStats, intervals: Intervals, seconds: number): string {
  const { messages, plainBytes, wireBytes, gaps, repeats, restarts, reconnects } = stats;
  return [
    `${plural(messages, 'message')} in ${seconds.toFixed(1)} s`,
    `${formatBytes(plainBytes)} (${formatBytes(wireBytes)} on the wire)`,
    plural(gaps, 'gap'),
    plural(repeats, 'repeat'),
    ...(restarts > 0 ? [plural(restarts, 'restart')] : []),
    plural(reconnects, 'reconnect'),
    ...(intervals.text === undefined ? [] : [intervals.text]),
  ].join(', ');
}
