import { scalar, type Format } from '../format.ts';

/** The longest time that a Node timer can wait; a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Whole numbers in decimal digits: no sign, no leading zero, no unit, no exponent. */
export function wholeNumber(min: number, max: number): Format<number> {
  return scalar({
    placeholder: 'N',
    expected: `a whole number from ${min} to ${max}`,
    read: (text) => {
      if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
      const number = Number(text);
      return number >= min && number <= max ? number : undefined;
    },
  });
}

/** A time in milliseconds that something waits: at least 1. */
export const milliseconds = wholeNumber(1, MAX_TIMER_MS);

/** A time in milliseconds where 0 has a meaning: at once, or not at all. */
export const millisecondsOrZero = wholeNumber(0, MAX_TIMER_MS);

/** Sizes up to 4 GiB: what one process can hold as its own share of a machine. */
export function byteCount(min: number): Format<number> {
  return wholeNumber(min, 4_294_967_296);
}

/** A number of processes, or `auto` for one per core. */
export const workerCount: Format<number | 'auto'> = scalar({
  placeholder: 'N|auto',
  expected: 'auto, or a whole number from 1 to 1024',
  read: (text) => {
    if (text === 'auto') return text;
    const parsed = wholeNumber(1, 1024).parse(text);
    return parsed.ok ? parsed.value : undefined;
  },
});
