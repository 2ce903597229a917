import { isRecord } from '../shared/codec/json-object.ts';
import { headOf, type FlashblockHead } from '../shared/flashblock.ts';
import type { FlashblockJson, Frame, StreamMessage } from './message.ts';
import type { Inflate } from './transport.ts';

/** A message before its place in the order is known. */
export interface Decoded {
  readonly encoding: StreamMessage['encoding'];
  readonly plain: Uint8Array;
  readonly json: unknown;
  readonly flashblock?: FlashblockHead & { readonly json: FlashblockJson };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, where consumers take the bytes for JSON: valid UTF-8 whose first character after white space is `{`. */
function jsonText(bytes: Uint8Array): string | undefined {
  let first = 0;
  while (bytes[first] === 0x20 || ((bytes[first] ?? 0) >= 0x09 && (bytes[first] ?? 0) <= 0x0d)) first++;
  if (bytes[first] !== 0x7b) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function readHead(json: unknown): FlashblockHead | undefined {
  if (!isRecord(json) || !isRecord(json['metadata'])) return undefined;
  return headOf({
    payloadId: json['payload_id'],
    index: json['index'],
    blockNumber: json['metadata']['block_number'],
    previousId: json['metadata']['prev_flashblock_id'],
  });
}

/** Reads a frame, whatever its encoding, by the consumers' rule: what is no JSON is brotli, and what is neither is left as it is. */
export function decodeFrame(frame: Frame, inflate: Inflate | undefined, maxBytes: number): Decoded {
  const { isText, bytes } = frame;
  const direct = jsonText(bytes);
  const inflated = direct === undefined && !isText ? inflate?.(bytes, maxBytes) : undefined;
  const text = direct ?? (inflated && jsonText(inflated));
  const plain = text === undefined || inflated === undefined ? bytes : inflated;
  const encoding = isText ? 'text' : text === undefined ? 'raw' : inflated === undefined ? 'identity' : 'br';
  const json = text === undefined ? undefined : parse(text);
  const head = readHead(json);
  return {
    encoding,
    plain,
    json,
    ...(head !== undefined && { flashblock: { ...head, json: json as FlashblockJson } }),
  };
}
