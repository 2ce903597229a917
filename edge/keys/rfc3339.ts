/** Times as RFC 3339 writes them, in milliseconds since 1970. */

const FORM = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** The last millisecond that has a year of four digits. */
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const MINUTE_MS = 60_000;

/**
 * Days that are not in the calendar and leap seconds are refused; fractions finer than a millisecond are cut.
 *
 * @returns `undefined` for what is no time from 1970 to 9999
 */
export function parseTime(text: string): number | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, date = '', clock = '', fraction = '', sign, hours = '0', minutes = '0'] = match;
  const local = Date.parse(`${date}T${clock}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  // `Date.parse` carries the 30th of February over into March.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${date}T${clock}`)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS * (sign === '-' ? -1 : 1);
  const time = local - offset;
  return time >= 0 && time <= LAST ? time : undefined;
}

/** In UTC, with a fraction only where there is one. */
export function printTime(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
