import type { MatchMode } from '../../../edge/filter/filter.ts';

/** A filter as a client writes it: `0x` and hex digits. */
export interface Wish {
  readonly addresses: readonly string[];
  readonly topics: readonly string[];
  readonly mode: MatchMode;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  Object.prototype.toString.call(value) === '[object Object]';

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');

/** Every log of a message, wherever an object `receipts` has a list `logs` one or two levels below it. */
function logsOf(metadata: Record<string, unknown>): Record<string, unknown>[] {
  const receipts = isObject(metadata['receipts']) ? Object.values(metadata['receipts']).filter(isObject) : [];
  const holders = [...receipts, ...receipts.flatMap((receipt) => Object.values(receipt).filter(isObject))];
  return holders.flatMap(({ logs }) => (Array.isArray(logs) ? logs.filter(isObject) : []));
}

/** Brute force: the address stands at some whole byte of a transaction's text. */
function standsIn(transaction: unknown, address: string): boolean {
  const text = lower(transaction);
  if (!/^0x(?:[0-9a-f]{2})*$/.test(text)) return false;
  for (let at = 2; at + 40 <= text.length; at += 2) {
    if (text.slice(at, at + 40) === address.slice(2)) return true;
  }
  return false;
}

/** Decides by parsing everything and comparing everything, for one filter at a time. */
export function oracleMatches(json: Buffer, { addresses, topics, mode }: Wish): boolean {
  let message: unknown;
  try {
    message = JSON.parse(json.toString());
  } catch {
    return false;
  }
  if (!isObject(message)) return false;
  const metadata = isObject(message['metadata']) ? message['metadata'] : {};
  const diff = isObject(message['diff']) ? message['diff'] : {};
  const transactions = Array.isArray(diff['transactions']) ? (diff['transactions'] as unknown[]) : [];
  const balances = isObject(metadata['new_account_balances']) ? Object.keys(metadata['new_account_balances']) : [];
  const logs = logsOf(metadata);

  const hasAddress = addresses
    .map(lower)
    .some(
      (address) =>
        balances.map(lower).includes(address) ||
        logs.some((log) => lower(log['address']) === address) ||
        transactions.some((transaction) => standsIn(transaction, address)),
    );
  const hasTopic = topics
    .map(lower)
    .some((topic) =>
      logs.some(({ topics: found }) => Array.isArray(found) && found.some((value) => lower(value) === topic)),
    );
  if (addresses.length === 0) return hasTopic;
  if (topics.length === 0) return hasAddress;
  return mode === 'all' ? hasAddress && hasTopic : hasAddress || hasTopic;
}
