/** What a hostile upstream sends: each a message that a careless reader pays dearly for. Pure. */
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

/** MAX_MESSAGE_BYTES. */
const LARGEST = 4_194_304;

function filled(before: string, unit: string, behind: string): Buffer {
  const count = Math.floor((LARGEST - before.length - behind.length) / unit.length);
  return Buffer.from(before + unit.repeat(count) + behind);
}

/** Plain messages of the largest size that is read, but for the last ones. */
export const HOSTILE_JSON = {
  'brackets that close': () => {
    const depth = Math.floor(LARGEST / 2) - 10;
    return Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  },
  'brackets that do not close': () => filled('{"a":', '[', ''),
  'nested objects': () => {
    const depth = Math.floor(LARGEST / 6) - 1;
    return Buffer.from(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  },
  'empty objects': () => filled('{"a":[', '{},', '0]}'),
  'many names': () => Buffer.from(`{${Array.from({ length: 300_000 }, (_, at) => `"k${at}":1`).join(',')}}`),
  'a name again and again': () => filled('{', '"payload_id":1,', '"index":1}'),
  'a long number': () => filled('{"index":', '1', '}'),
  escapes: () => filled('{"payload_id":"', '\\u0041', '"}'),
  'half a message': () => Buffer.from('{"payload_id":"0x01","index":0,"metadata":{"block_nu'),
  'no JSON': () => Buffer.from('{]}'),
} as const satisfies Record<string, () => Buffer>;

/** Brotli of a message far larger than any that is read: some hundred bytes on the wire. */
export function brotliBomb(bytes: number): Promise<Buffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 22 };
  return promisify(brotliCompress)(Buffer.alloc(bytes, 'a').fill('{"a":"', 0, 6), { params });
}
