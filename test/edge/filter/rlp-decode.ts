import type { RlpItem } from '../../../tools/simulate/rlp.ts';

function decodeAt(bytes: Buffer, at: number): { item: RlpItem; end: number } {
  const first = bytes[at]!;
  if (first < 0x80) return { item: bytes.toString('hex', at, at + 1), end: at + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  const lengthBytes = Math.max(short - 55, 0);
  const start = at + 1 + lengthBytes;
  const end = start + (lengthBytes === 0 ? short : bytes.readUIntBE(at + 1, lengthBytes));
  if (!isList) return { item: bytes.toString('hex', start, end), end };
  const items: RlpItem[] = [];
  for (let from = start; from < end;) {
    const decoded = decodeAt(bytes, from);
    items.push(decoded.item);
    from = decoded.end;
  }
  return { item: items, end };
}

/** What a raw transaction says in which field, by its type's layout; `undefined` for what is no transaction. */
export interface TransactionFields {
  readonly type: number;
  readonly from?: string;
  readonly to: string;
  readonly data: string;
  /** Addresses of the access list. */
  readonly accessed: readonly string[];
}

/** Which field of a type's list holds what. */
const LAYOUTS: Readonly<Record<number, { from?: number; to: number; data: number; accessList?: number }>> = {
  0: { to: 3, data: 5 },
  1: { to: 4, data: 6, accessList: 7 },
  2: { to: 5, data: 7, accessList: 8 },
  0x7e: { from: 1, to: 2, data: 7 },
};

/** Reads `0x` and the hex digits of a raw transaction. */
export function transactionFields(text: string): TransactionFields | undefined {
  const bytes = Buffer.from(text.slice(2), 'hex');
  const first = bytes[0] ?? 0xff;
  const type = first >= 0xc0 ? 0 : first;
  const layout = LAYOUTS[type];
  if (layout === undefined || bytes.length < 50) return undefined;
  const { item } = decodeAt(bytes, type === 0 ? 0 : 1);
  const text_ = (at: number) => item[at] as string;
  const list = layout.accessList === undefined ? [] : (item[layout.accessList] as readonly RlpItem[]);
  return {
    type,
    ...(layout.from !== undefined && { from: text_(layout.from) }),
    to: text_(layout.to),
    data: text_(layout.data),
    accessed: list.map((entry) => entry[0] as string),
  };
}
