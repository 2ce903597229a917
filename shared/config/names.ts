import { closest, distance } from 'fastest-levenshtein';

/** `listenAddr` to `LISTEN_ADDR`. */
export function variableName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `listenAddr` to `listen-addr`. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Longer words are mistaken for something else altogether, and the comparison costs the product of the lengths. */
const MAX_COMPARED = 64;

/** @returns the candidate that a mistyped name probably meant; `undefined` when none is near */
export function nearestName(mistyped: string, candidates: readonly string[]): string | undefined {
  if (mistyped.length > MAX_COMPARED || candidates.length === 0) return undefined;
  const nearest = closest(mistyped, candidates);
  return distance(mistyped, nearest) <= Math.max(2, Math.floor(nearest.length / 3)) ? nearest : undefined;
}
