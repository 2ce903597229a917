/** Latencies as counts in buckets. Pure. */

/** Counts in buckets with these upper bounds in seconds; one more bucket holds what is above the last. */
export interface Buckets {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** Adds pairs of a bucket's place and its count up. */
export function sumPairs(bounds: readonly number[], rows: readonly (readonly number[])[]): Buckets {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  for (const row of rows)
    for (let at = 0; at + 1 < row.length; at += 2) {
      const place = row[at] ?? 0;
      if (place < counts.length) counts[place] = (counts[place] ?? 0) + (row[at + 1] ?? 0);
    }
  return { bounds, counts };
}

export function total({ counts }: Buckets): number {
  return counts.reduce((sum, one) => sum + one, 0);
}

/**
 * The value below which a part of all lie, within its bucket by proportion.
 *
 * @param part above 0, at most 1
 * @returns seconds; `undefined` when there is nothing; Infinity above the last bound
 */
export function quantile({ bounds, counts }: Buckets, part: number): number | undefined {
  const all = total({ bounds, counts });
  if (all === 0) return undefined;
  let left = part * all;
  for (const [place, one] of counts.entries()) {
    if (one > 0 && left <= one) {
      const upper = bounds[place];
      if (upper === undefined) return Infinity;
      const lower = bounds[place - 1] ?? 0;
      return lower + ((upper - lower) * left) / one;
    }
    left -= one;
  }
  return bounds.at(-1);
}
