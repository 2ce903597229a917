import type { Faults } from './faults.ts';

/** What a script may name, and the fault that each means. */
const RATES = { skip: 'skip', dup: 'duplicate', late: 'late', rival: 'rival', drop: 'dropConnections' } as const;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
/** As long as a timer may be set for. */
const MAX_MS = 3_600_000;

/** The grammar in one line, for helps and problems. */
export const FAULT_GRAMMAR = 'skip|dup|late|rival|drop=RATE, stall=TIME@TIME';

function readTime(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,7})(ms|s|m)$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit] ?? NaN);
  return ms > 0 && ms <= MAX_MS ? ms : undefined;
}

type Item = { readonly faults: Partial<Faults> } | { readonly problem: string };

function readItem(item: string, intervalMs: number): Item {
  const [, name = '', value = ''] = /^([a-z]+)=(.*)$/.exec(item) ?? [];
  if (name === 'stall') {
    const [length = '', every = '', ...more] = value.split('@');
    const [stallMs, everyMs] = [readTime(length), readTime(every)];
    if (stallMs === undefined || everyMs === undefined || more.length > 0)
      return { problem: `${JSON.stringify(item)}: expected stall=TIME@TIME, each 1ms to 60m, such as stall=5s@60s` };
    return { faults: { stallMs, stallEvery: Math.max(1, Math.round(everyMs / intervalMs)) } };
  }
  if (!Object.hasOwn(RATES, name)) return { problem: `${JSON.stringify(item)}: expected ${FAULT_GRAMMAR}` };
  const rate = Number(value);
  if (!/^\d*\.?\d+$/.test(value) || rate > 1)
    return { problem: `${JSON.stringify(item)}: expected a share from 0 to 1, such as ${name}=0.01` };
  return { faults: { [RATES[name as keyof typeof RATES]]: rate } };
}

/**
 * Reads a fault script: `skip=0.01,dup=0.01,stall=5s@60s`. Rates are shares of the messages (of the blocks for `rival`);
 * `stall` is silent for the first time after each second time of messages.
 *
 * @returns the faults that it names, and a sentence for each item that cannot be read or comes twice
 */
export function readFaultScript(
  script: string,
  intervalMs: number,
): { readonly faults: Partial<Faults>; readonly problems: readonly string[] } {
  let faults: Partial<Faults> = {};
  const problems: string[] = [];
  for (const item of script.split(',')) {
    const read = readItem(item.trim(), intervalMs);
    if ('problem' in read) problems.push(read.problem);
    else if (Object.keys(read.faults).some((name) => name in faults))
      problems.push(`${JSON.stringify(item)}: named twice`);
    else faults = { ...faults, ...read.faults };
  }
  return { faults, problems };
}
