/**
 * A message as filters look at it: the bytes of its transactions, the addresses of its balances and logs, and the topics of
 * its logs (filters). Made once per message. It reads what upstream sent, which may be anything: a part that does not have
 * its usual shape holds nothing to match, and nothing here throws.
 */
import { isRecord, parseJsonObject } from '../../shared/codec/json-object.ts';
import { isCrowded } from '../../shared/flashblock.ts';
import { ADDRESS_BYTES, TOPIC_BYTES } from './filter.ts';
import { type MessageParts, scanParts } from './scan-parts.ts';

export interface ScanForm {
  /** The decoded transactions, one behind the other. */
  readonly transactions: Uint8Array;
  /** Where in {@link transactions} each one ends, so that no address is found across two of them. */
  readonly ends: Uint32Array;
  /** Keys of `metadata.new_account_balances` and addresses of logs, {@link ADDRESS_BYTES} each. */
  readonly addresses: Uint8Array;
  /** Topics of logs, {@link TOPIC_BYTES} each. */
  readonly topics: Uint8Array;
  /** Whether the metadata carry a receipt, without which no topic matches. */
  readonly hasReceipts: boolean;
  /** Bytes that it occupies, for the ring's account; less than twice the message's. */
  readonly bytes: number;
}

/** Five objects with their headers and the buffers behind the arrays, measured at 600 to 700 bytes. */
const OVERHEAD_BYTES = 700;

type Json = Readonly<Record<string, unknown>>;

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * @param json plain content of a message, as it came from upstream
 * @returns `undefined` when it is not a JSON object
 */
export function readScanForm(json: Buffer): ScanForm | undefined {
  const text = json.toString('utf8');
  const found = isCrowded(text) ? scanParts(json) : parseParts(text);
  if (found === undefined) return undefined;
  const { hasReceipts } = found;
  const parts = {
    ...decodeTransactions(found.transactions),
    addresses: decodeTerms(found.addresses, ADDRESS_BYTES),
    topics: decodeTerms(found.topics, TOPIC_BYTES),
  };
  const { transactions, ends } = parts;
  const bytes = [transactions, ends, parts.addresses, parts.topics].reduce(
    (sum, { byteLength }) => sum + byteLength,
    OVERHEAD_BYTES,
  );
  return { ...parts, hasReceipts, bytes };
}

/** Gives what {@link scanParts} does, faster for what builders send, and far slower for what they never do. */
function parseParts(text: string): MessageParts | undefined {
  const message = parseJsonObject(text);
  if (message === undefined) return undefined;
  const metadata = recordOf(message['metadata']);
  const addresses = new Set<unknown>(Object.keys(recordOf(metadata['new_account_balances'])));
  const topics = new Set<unknown>();
  let hasReceipts = false;
  for (const receipt of Object.values(recordOf(metadata['receipts']))) {
    for (const logs of logLists(receipt)) {
      hasReceipts = true;
      for (const log of logs) {
        const { address, topics: logTopics } = recordOf(log);
        addresses.add(address);
        for (const topic of listOf(logTopics)) topics.add(topic);
      }
    }
  }
  return { transactions: listOf(recordOf(message['diff'])['transactions']), addresses, topics, hasReceipts };
}

/** The logs of a receipt: its own (`{"type":"0x2","logs":[..]}`), or one level down (`{"Eip1559":{"logs":[..]}}`). */
function* logLists(receipt: unknown): Generator<readonly unknown[]> {
  if (!isRecord(receipt)) return;
  for (const holder of [receipt, ...Object.values(receipt)]) {
    if (isRecord(holder) && Array.isArray(holder['logs'])) yield holder['logs'] as readonly unknown[];
  }
}

/** The digits of those values that are exactly one term. */
function decodeTerms(values: Iterable<unknown>, bytes: number): Uint8Array {
  const digits: string[] = [];
  for (const value of values) {
    if (typeof value === 'string' && value.length === 2 * bytes + 2 && /^0x[0-9a-f]*$/i.test(value))
      digits.push(value.slice(2));
  }
  const decoded = Buffer.allocUnsafeSlow(digits.length * bytes);
  decoded.write(digits.join(''), 'hex');
  return decoded;
}

/** A transaction that is too short to hold an address, or is not hex digits throughout, is left out. */
function decodeTransactions(values: readonly unknown[]): Pick<ScanForm, 'transactions' | 'ends'> {
  const texts = values.filter((value) => typeof value === 'string' && isTransaction(value)) as string[];
  const length = texts.reduce((sum, text) => sum + text.length / 2 - 1, 0);
  const transactions = Buffer.allocUnsafeSlow(length);
  const ends = new Uint32Array(texts.length);
  let count = 0;
  let end = 0;
  for (const text of texts) {
    const wanted = text.length / 2 - 1;
    if (transactions.write(text.slice(2), end, 'hex') !== wanted) continue;
    end += wanted;
    ends[count] = end;
    count += 1;
  }
  if (count === texts.length) return { transactions, ends };
  return { transactions: new Uint8Array(transactions.subarray(0, end)), ends: ends.slice(0, count) };
}

function isTransaction(text: string): boolean {
  return text.length >= 2 * ADDRESS_BYTES + 2 && text.length % 2 === 0 && /^0x/i.test(text);
}
