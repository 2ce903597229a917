import {
  INVALID,
  isArrayAt,
  isObjectAt,
  isWord,
  skipArray,
  skipObject,
  skipValue,
  skipWhiteSpace,
} from '../../shared/codec/json-scan.ts';
import { ADDRESS_BYTES, TOPIC_BYTES } from './filter.ts';

/** What filters look at of a message, as it stands there: not all of it need be what its name says. */
export interface MessageParts {
  readonly transactions: readonly unknown[];
  /** Keys of the balances and addresses of logs. */
  readonly addresses: ReadonlySet<unknown>;
  readonly topics: ReadonlySet<unknown>;
  readonly hasReceipts: boolean;
}

const QUOTE = 0x22;
/** Bytes of an escape: what a character of a string takes at most. */
const ESCAPE_BYTES = 6;
/** Bytes of a term as a string, with `0x` and quotes: it takes no fewer. */
const stringBytes = (bytes: number): number => 2 * bytes + 4;

/**
 * Finds the parts in one pass over the bytes, without building the message. Of a name of the message's own that comes again the
 * last one counts, as for `JSON.parse`; of those within its receipts all do.
 *
 * @returns `undefined` when it is not a JSON object
 */
export function scanParts(json: Buffer): MessageParts | undefined {
  let transactions: string[] = [];
  let balances = new Set<string>();
  let addresses = new Set<string>();
  let topics = new Set<string>();
  let hasReceipts = false;

  /** Nothing shorter is a term or holds one; of a term's string, nothing longer is one. */
  const take = (
    start: number,
    end: number,
    bytes: number,
    into: (text: string) => void,
    longest = Infinity,
  ): number => {
    const length = end - start;
    if (end !== INVALID && json[start] === QUOTE && length >= stringBytes(bytes) && length <= longest)
      into(JSON.parse(json.toString('utf8', start, end)) as string);
    return end;
  };
  const takeTerm = (start: number, end: number, bytes: number, terms: Set<string>): number =>
    take(start, end, bytes, (text) => terms.add(text), ESCAPE_BYTES * stringBytes(bytes));
  const objectOr = (at: number, member: Parameters<typeof skipObject>[2]): number =>
    isObjectAt(json, at) ? skipObject(json, at, member) : skipValue(json, at);
  const arrayOr = (at: number, item: (at: number) => number): number =>
    isArrayAt(json, at) ? skipArray(json, at, item) : skipValue(json, at);

  const ofLog = (keyStart: number, keyEnd: number, at: number): number => {
    if (isWord(json, keyStart, keyEnd, 'address')) return takeTerm(at, skipValue(json, at), ADDRESS_BYTES, addresses);
    if (!isWord(json, keyStart, keyEnd, 'topics')) return skipValue(json, at);
    return arrayOr(at, (item) => takeTerm(item, skipValue(json, item), TOPIC_BYTES, topics));
  };
  const logsOr = (keyStart: number, keyEnd: number, at: number, other: (at: number) => number): number => {
    if (!isArrayAt(json, at) || !isWord(json, keyStart, keyEnd, 'logs')) return other(at);
    hasReceipts = true;
    return skipArray(json, at, (item) => objectOr(item, ofLog));
  };
  const ofTyped = (keyStart: number, keyEnd: number, at: number): number =>
    logsOr(keyStart, keyEnd, at, (value) => skipValue(json, value));
  const ofReceipt = (keyStart: number, keyEnd: number, at: number): number =>
    logsOr(keyStart, keyEnd, at, (value) => objectOr(value, ofTyped));
  const ofBalances = (keyStart: number, keyEnd: number, at: number): number => {
    takeTerm(keyStart, keyEnd, ADDRESS_BYTES, balances);
    return skipValue(json, at);
  };
  const forgetBalances = (): void => {
    balances = new Set();
  };
  const forgetReceipts = (): void => {
    addresses = new Set();
    topics = new Set();
    hasReceipts = false;
  };
  const ofMetadata = (keyStart: number, keyEnd: number, at: number): number => {
    if (isWord(json, keyStart, keyEnd, 'new_account_balances')) {
      forgetBalances();
      return objectOr(at, ofBalances);
    }
    if (!isWord(json, keyStart, keyEnd, 'receipts')) return skipValue(json, at);
    forgetReceipts();
    return objectOr(at, (_keyStart, _keyEnd, receipt) => objectOr(receipt, ofReceipt));
  };
  const ofDiff = (keyStart: number, keyEnd: number, at: number): number => {
    if (!isWord(json, keyStart, keyEnd, 'transactions')) return skipValue(json, at);
    transactions = [];
    return arrayOr(at, (item) => take(item, skipValue(json, item), ADDRESS_BYTES, (text) => transactions.push(text)));
  };
  const ofMessage = (keyStart: number, keyEnd: number, at: number): number => {
    if (isWord(json, keyStart, keyEnd, 'diff')) {
      transactions = [];
      return objectOr(at, ofDiff);
    }
    if (!isWord(json, keyStart, keyEnd, 'metadata')) return skipValue(json, at);
    forgetBalances();
    forgetReceipts();
    return objectOr(at, ofMetadata);
  };
  const end = skipObject(json, skipWhiteSpace(json, 0), ofMessage);
  if (end === INVALID || skipWhiteSpace(json, end) !== json.length) return undefined;
  return { transactions, addresses: new Set([...balances, ...addresses]), topics, hasReceipts };
}
