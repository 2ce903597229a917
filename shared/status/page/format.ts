/** How figures are written: short, with their units, in digits that stand below each other. Pure. */

/** No-break: a number and its unit stay on one line. */
const SPACE = ' ';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `12,345`. */
export function count(value: number): string {
  return whole.format(value);
}

/** Three digits at most: `0.42`, `4.2`, `42`, `420`. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.5 || Number.isInteger(value)) return whole.format(value);
  return value.toFixed(size >= 9.95 ? 0 : size >= 0.995 ? 1 : 2);
}

/** A figure apart from its unit, which is written smaller. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export function inText({ value, unit }: Quantity): string {
  return unit === '' ? value : `${value}${SPACE}${unit}`;
}

/** Per second. */
export function rate(value: number): Quantity {
  return { value: value >= 9.95 || Number.isInteger(value) ? whole.format(value) : value.toFixed(1), unit: '/s' };
}

/** In decimal units, as networks count. */
export function bytes(value: number): Quantity {
  if (value >= 999_500_000) return { value: short(value / 1e9), unit: 'GB' };
  if (value >= 999_500) return { value: short(value / 1e6), unit: 'MB' };
  if (value >= 1000) return { value: short(value / 1e3), unit: 'KB' };
  return { value: whole.format(value), unit: 'B' };
}

/** @param seconds a latency */
export function latency(seconds: number): Quantity {
  if (seconds >= 0.9995) return { value: short(seconds), unit: 's' };
  if (seconds >= 0.000_9995) return { value: short(seconds * 1e3), unit: 'ms' };
  return { value: short(seconds * 1e6), unit: 'µs' };
}

/** A part of 1. */
export function percent(part: number): Quantity {
  return { value: short(Math.round(part * 1000) / 10), unit: '%' };
}

/** How long something lasts: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}${SPACE}s`;
  if (seconds < 119.5) return `${Math.round(seconds).toString()}${SPACE}s`;
  if (seconds < 7170) return `${Math.round(seconds / 60).toString()}${SPACE}min`;
  if (seconds < 172_000) return `${Math.round(seconds / 3600).toString()}${SPACE}h`;
  return `${Math.round(seconds / 86_400).toString()}${SPACE}d`;
}

/** `14:03:59` by the reader's clock. */
export function clockTime(unixMs: number): string {
  return new Date(unixMs).toTimeString().slice(0, 8);
}

/** `0x1234abcd…`: enough of an id to tell it from another. */
export function shortId(id: string): string {
  return id.length <= 12 ? id : `${id.slice(0, 10)}…`;
}
