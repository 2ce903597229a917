/** What a value was read as, or what was expected in its place. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

/** A value as it was given: one text, or several where a list flag was repeated or a file holds a list. */
export type Given = string | readonly string[];

/** How the text of a setting is read. Formats are strict: what is not wholly understood is refused, never guessed at. */
export interface Format<T> {
  /** Stands for the value in the help text: `N`, `HOST:PORT`. */
  readonly placeholder: string;
  /** What is accepted, in words that complete 'expected ...'. */
  readonly expected: string;
  /** A list: a repeated flag adds to it, and one text holds several values between commas. */
  readonly isList: boolean;
  /** The flag may stand without a value and then means `true`. */
  readonly standsAlone: boolean;
  parse(given: Given): Parsed<T>;
}

/** Longest text that a format looks at; far above any real value, so that a mistaken file cannot occupy the start. */
const MAX_VALUE_LENGTH = 65_536;

interface ScalarOptions<T> {
  readonly placeholder: string;
  readonly expected: string;
  readonly standsAlone?: boolean;
  /** Gives `undefined` for what it does not accept. */
  readonly read: (text: string) => T | undefined;
}

/** A format of one value. */
export function scalar<T>(options: ScalarOptions<T>): Format<T> {
  const { placeholder, expected, read } = options;
  return {
    placeholder,
    expected,
    isList: false,
    standsAlone: options.standsAlone ?? false,
    parse: (given) => {
      if (typeof given !== 'string' || given.length > MAX_VALUE_LENGTH) return { ok: false, expected };
      const value = read(given);
      return value === undefined ? { ok: false, expected } : { ok: true, value };
    },
  };
}

interface ListOptions<T> {
  readonly placeholder: string;
  readonly expected: string;
  /** Most elements that are accepted. */
  readonly maxElements: number;
  /** Gives `undefined` when any of the elements, trimmed and not empty, is not accepted. */
  readonly read: (elements: readonly string[]) => T | undefined;
}

/** A format of several values between commas; elements are trimmed, empty ones are left out. */
export function list<T>(options: ListOptions<T>): Format<T> {
  const { placeholder, expected, maxElements, read } = options;
  return {
    placeholder,
    expected,
    isList: true,
    standsAlone: false,
    parse: (given) => {
      const texts = typeof given === 'string' ? given.split(',') : given;
      if (texts.reduce((length, text) => length + text.length, 0) > MAX_VALUE_LENGTH) return { ok: false, expected };
      const elements = texts.map((text) => text.trim()).filter((text) => text !== '');
      if (elements.length > maxElements) return { ok: false, expected: `at most ${maxElements} values` };
      const value = read(elements);
      return value === undefined ? { ok: false, expected } : { ok: true, value };
    },
  };
}
