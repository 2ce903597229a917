import { INVALID, isObjectAt, isWord, skipObject, skipValue, skipWhiteSpace } from './codec/json-scan.ts';

/** The fields of a message that its position is read from, as far as they count; anything else is `undefined`. */
export interface FlashblockFields {
  readonly payloadId: unknown;
  readonly index: unknown;
  readonly blockNumber: unknown;
  readonly previousId: unknown;
}

/** Bytes of a value that are looked at: a payload id of 128 code units, each an escape of 6 bytes, and two quotes. */
const MAX_STRING_BYTES = 770;

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Where the last value of a name stands. */
interface Place {
  start: number;
  end: number;
}

function found(place: Place, start: number, end: number): number {
  place.start = start;
  place.end = end;
  return end;
}

function valueAt(json: Buffer, { start, end }: Place): unknown {
  const first = end === INVALID ? undefined : json[start];
  if (first === undefined) return undefined;
  if (first === MINUS || (first >= ZERO && first <= NINE)) return Number(json.toString('latin1', start, end));
  return first === QUOTE && end - start <= MAX_STRING_BYTES ? JSON.parse(json.toString('utf8', start, end)) : undefined;
}

/**
 * Finds the fields that a flashblock's head is made of in one pass over the bytes, without building the message. Of a name that
 * comes again the last one counts, as for `JSON.parse`.
 *
 * @returns `undefined` where `JSON.parse` would throw or give no object, or where `metadata` is none
 */
export function scanFlashblock(json: Buffer): FlashblockFields | undefined {
  const nowhere = { start: INVALID, end: INVALID };
  const [payloadId, index, blockNumber, previousId] = [{ ...nowhere }, { ...nowhere }, { ...nowhere }, { ...nowhere }];
  const ofMetadata = (keyStart: number, keyEnd: number, at: number): number => {
    const end = skipValue(json, at);
    if (isWord(json, keyStart, keyEnd, 'block_number')) return found(blockNumber, at, end);
    return isWord(json, keyStart, keyEnd, 'prev_flashblock_id') ? found(previousId, at, end) : end;
  };
  const ofMessage = (keyStart: number, keyEnd: number, at: number): number => {
    if (isWord(json, keyStart, keyEnd, 'metadata')) {
      Object.assign(blockNumber, nowhere);
      Object.assign(previousId, nowhere);
      return isObjectAt(json, at) ? skipObject(json, at, ofMetadata) : skipValue(json, at);
    }
    const end = skipValue(json, at);
    if (isWord(json, keyStart, keyEnd, 'payload_id')) return found(payloadId, at, end);
    return isWord(json, keyStart, keyEnd, 'index') ? found(index, at, end) : end;
  };
  const end = skipObject(json, skipWhiteSpace(json, 0), ofMessage);
  if (end === INVALID || skipWhiteSpace(json, end) !== json.length) return undefined;
  return {
    payloadId: valueAt(json, payloadId),
    index: valueAt(json, index),
    blockNumber: valueAt(json, blockNumber),
    previousId: valueAt(json, previousId),
  };
}
