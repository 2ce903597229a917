/**
 * Walks over JSON bytes and builds nothing: one pass, no recursion, a byte of memory per level of nesting. What it takes for
 * JSON is exactly what `JSON.parse(bytes.toString('utf8'))` takes. The functions are given where something begins and
 * return where it ends, or {@link INVALID}.
 */

/** What stands there is not what was expected. */
export const INVALID = -1;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const LOWER_A = 0x61;
const LOWER_B = 0x62;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_R = 0x72;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
/** The bit by which lower-case letters differ from upper-case ones. */
const LOWER = 0x20;

const WORDS: ReadonlyMap<number, string> = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]));

/** What the escapes of one letter stand for. */
const ESCAPED: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [SLASH, SLASH],
  [LOWER_B, 0x08],
  [LOWER_F, 0x0c],
  [LOWER_N, LINE_FEED],
  [LOWER_R, CARRIAGE_RETURN],
  [LOWER_T, TAB],
]);

/** Levels of nesting without a second allocation; real messages have under 10. */
const USUAL_DEPTH = 64;

export function skipWhiteSpace(bytes: Buffer, at: number): number {
  for (; at < bytes.length; at++) {
    const byte = byteAt(bytes, at);
    if (byte > SPACE || (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB)) break;
  }
  return at;
}

/** Behind the end stands what is no byte. */
function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? INVALID;
}

function isByte(bytes: Buffer, at: number, byte: number): boolean {
  return byteAt(bytes, at) === byte;
}

function isHexDigit(byte: number): boolean {
  const letter = byte | LOWER;
  return (byte >= ZERO && byte <= NINE) || (letter >= LOWER_A && letter <= LOWER_F);
}

function hexValue(digit: number): number {
  return digit <= NINE ? digit - ZERO : (digit | LOWER) - LOWER_A + 10;
}

function skipString(bytes: Buffer, at: number): number {
  if (!isByte(bytes, at, QUOTE)) return INVALID;
  at++;
  while (at < bytes.length) {
    const byte = byteAt(bytes, at++);
    if (byte === QUOTE) return at;
    if (byte < SPACE) return INVALID;
    if (byte !== BACKSLASH) continue;
    if (isByte(bytes, at, LOWER_U)) {
      const end = at + 5;
      if (end > bytes.length) return INVALID;
      for (at++; at < end; at++) if (!isHexDigit(byteAt(bytes, at))) return INVALID;
    } else if (ESCAPED.has(byteAt(bytes, at))) at++;
    else return INVALID;
  }
  return INVALID;
}

/** @returns `at` where there is none */
function skipDigits(bytes: Buffer, at: number): number {
  while (byteAt(bytes, at) >= ZERO && byteAt(bytes, at) <= NINE) at++;
  return at;
}

function skipNumber(bytes: Buffer, at: number): number {
  if (isByte(bytes, at, MINUS)) at++;
  let end = isByte(bytes, at, ZERO) ? at + 1 : skipDigits(bytes, at);
  if (end === at) return INVALID;
  if (isByte(bytes, end, POINT)) {
    at = end + 1;
    end = skipDigits(bytes, at);
    if (end === at) return INVALID;
  }
  if ((byteAt(bytes, end) | LOWER) !== LOWER_E) return end;
  at = isByte(bytes, end + 1, PLUS) || isByte(bytes, end + 1, MINUS) ? end + 2 : end + 1;
  end = skipDigits(bytes, at);
  return end === at ? INVALID : end;
}

function skipWord(bytes: Buffer, at: number, word: string): number {
  for (let index = 0; index < word.length; index++) if (!isByte(bytes, at++, word.charCodeAt(index))) return INVALID;
  return at;
}

/** Passes over a key and its colon, to where its value begins. */
function skipKey(bytes: Buffer, at: number): number {
  const end = skipString(bytes, at);
  if (end === INVALID) return INVALID;
  const colon = skipWhiteSpace(bytes, end);
  return isByte(bytes, colon, COLON) ? skipWhiteSpace(bytes, colon + 1) : INVALID;
}

/** Passes over any value. */
export function skipValue(bytes: Buffer, at: number): number {
  /** What closes each of the values around this one, the innermost last. */
  let closing = new Uint8Array(USUAL_DEPTH);
  let depth = 0;
  for (;;) {
    // A value begins here.
    const byte = byteAt(bytes, at);
    if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      // The closing ones are two behind in ASCII.
      const closed = byte + 2;
      at = skipWhiteSpace(bytes, at + 1);
      if (!isByte(bytes, at, closed)) {
        if (depth === closing.length) closing = doubled(closing);
        closing[depth++] = closed;
        if (closed === CLOSING_BRACE) at = skipKey(bytes, at);
        if (at === INVALID) return INVALID;
        continue;
      }
      at++;
    } else {
      const word = WORDS.get(byte);
      if (byte === QUOTE) at = skipString(bytes, at);
      else at = word === undefined ? skipNumber(bytes, at) : skipWord(bytes, at, word);
      if (at === INVALID) return INVALID;
    }
    // It ends here, and with it as many of those around it as close.
    while (depth > 0) {
      at = skipWhiteSpace(bytes, at);
      const closed = closing[depth - 1] ?? INVALID;
      if (isByte(bytes, at, COMMA)) break;
      if (!isByte(bytes, at, closed)) return INVALID;
      at++;
      depth--;
    }
    if (depth === 0) return at;
    at = skipWhiteSpace(bytes, at + 1);
    if (closing[depth - 1] === CLOSING_BRACE) at = skipKey(bytes, at);
    if (at === INVALID) return INVALID;
  }
}

export function isObjectAt(bytes: Buffer, at: number): boolean {
  return isByte(bytes, at, OPENING_BRACE);
}

/**
 * Passes over an object and calls for each of its members.
 *
 * @param member is given where the key stands, quotes included, and where the value begins; returns where that ends
 */
export function skipObject(
  bytes: Buffer,
  at: number,
  member: (keyStart: number, keyEnd: number, valueAt: number) => number,
): number {
  if (!isObjectAt(bytes, at)) return INVALID;
  at = skipWhiteSpace(bytes, at + 1);
  if (isByte(bytes, at, CLOSING_BRACE)) return at + 1;
  for (;;) {
    const keyEnd = skipString(bytes, at);
    const valueAt = keyEnd === INVALID ? INVALID : skipKey(bytes, at);
    const end = valueAt === INVALID ? INVALID : member(at, keyEnd, valueAt);
    if (end === INVALID) return INVALID;
    at = skipWhiteSpace(bytes, end);
    if (isByte(bytes, at, CLOSING_BRACE)) return at + 1;
    if (!isByte(bytes, at, COMMA)) return INVALID;
    at = skipWhiteSpace(bytes, at + 1);
  }
}

export function isArrayAt(bytes: Buffer, at: number): boolean {
  return isByte(bytes, at, OPENING_BRACKET);
}

/**
 * Passes over an array and calls for each of its items.
 *
 * @param item is given where the item begins; returns where it ends
 */
export function skipArray(bytes: Buffer, at: number, item: (at: number) => number): number {
  if (!isArrayAt(bytes, at)) return INVALID;
  at = skipWhiteSpace(bytes, at + 1);
  if (isByte(bytes, at, CLOSING_BRACKET)) return at + 1;
  for (;;) {
    const end = item(at);
    if (end === INVALID) return INVALID;
    at = skipWhiteSpace(bytes, end);
    if (isByte(bytes, at, CLOSING_BRACKET)) return at + 1;
    if (!isByte(bytes, at, COMMA)) return INVALID;
    at = skipWhiteSpace(bytes, at + 1);
  }
}

/** Whether a valid string, given with its quotes, is this word of ASCII, escapes resolved. */
export function isWord(bytes: Buffer, start: number, end: number, word: string): boolean {
  let at = start + 1;
  for (let index = 0; index < word.length; index++) {
    let unit = byteAt(bytes, at++);
    if (unit === QUOTE) return false;
    if (unit === BACKSLASH) {
      const escape = byteAt(bytes, at++);
      if (escape === LOWER_U) {
        unit = 0;
        for (const after = at + 4; at < after; at++) unit = 16 * unit + hexValue(byteAt(bytes, at));
      } else unit = ESCAPED.get(escape) ?? INVALID;
    }
    if (unit !== word.charCodeAt(index)) return false;
  }
  return at === end - 1;
}

function doubled(closing: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * closing.length);
  larger.set(closing);
  return larger;
}
