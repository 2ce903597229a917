import { scalar, type Format } from '../format.ts';
import type { LogLevel } from '../../log.ts';

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false };

/** Whether a text reads as a boolean: what may follow a boolean flag as an argument of its own. */
export function isBooleanText(text: string): boolean {
  return Object.hasOwn(BOOLEANS, text);
}

/** `true|false|1|0`, and nothing else: `no` or `off` must not turn a thing on. */
export const boolean: Format<boolean> = scalar({
  placeholder: 'true|false',
  expected: 'true, false, 1 or 0',
  standsAlone: true,
  read: (text) => (isBooleanText(text) ? BOOLEANS[text] : undefined),
});

/** One word out of a closed list. */
export function oneOf<const W extends string>(...words: readonly W[]): Format<W> {
  return scalar({
    placeholder: words.join('|'),
    expected: `one of ${words.join(', ')}`,
    read: (text) => words.find((word) => word === text),
  });
}

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

/** A level by its name in any case, or by the reference's verbosity: 1 is error, 5 is trace. */
export const logLevel: Format<LogLevel> = scalar({
  placeholder: 'LEVEL',
  expected: `one of ${LOG_LEVELS.join(', ')}, or a verbosity from 1 (error) to 5 (trace)`,
  read: (text) =>
    /^[1-5]$/.test(text) ? LOG_LEVELS[Number(text) - 1] : LOG_LEVELS.find((level) => level === text.toLowerCase()),
});

/** The reference's own names of its formats for people; all of them are `text` here. */
const TEXT_FORMATS = ['text', 'full', 'compact', 'pretty', 'logfmt'];

/** `json` for machines, `text` for people. */
export const logFormat: Format<'json' | 'text'> = scalar({
  placeholder: 'json|text',
  expected: 'json or text',
  read: (text) => (text === 'json' ? 'json' : TEXT_FORMATS.includes(text) ? 'text' : undefined),
});
