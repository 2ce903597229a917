import { build, type Histogram } from 'hdr-histogram-js';

/** Percentiles in milliseconds. */
export interface TimesSummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Longer times count as an hour. */
const MAX_US = 3_600_000_000;

/** Times, as a histogram of three significant digits: its memory does not grow with their number. */
export class Times {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });

  /** @param us microseconds; below 1 counts as 1 */
  record(us: number): void {
    this.#histogram.recordValue(Math.min(MAX_US, Math.max(1, Math.round(us))));
  }

  /** Milliseconds below which a share of the times lies; 0 where there are none. */
  percentile(percent: number): number {
    return this.#histogram.totalCount === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / 1000;
  }

  /** `undefined` where nothing was recorded. */
  summary(): TimesSummary | undefined {
    if (this.#histogram.totalCount === 0) return undefined;
    return {
      count: this.#histogram.totalCount,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      max: this.#histogram.maxValue / 1000,
    };
  }
}
