/** Source addresses that can be told apart: those of 127.1.0.0/16 whose last part is 1 to 250. */
export const MAX_SOURCES = 256 * 250;

/** @param number 0 to {@link MAX_SOURCES} - 1 */
export function sourceAddress(number: number): string {
  return `127.1.${Math.floor(number / 250)}.${1 + (number % 250)}`;
}
