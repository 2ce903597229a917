import { decompressBounded } from '../shared/codec/brotli.ts';
import { isJsonByConsumersRule } from '../shared/codec/json-rule.ts';

/** Longest plain form that is inflated; some chains' messages exceed 1 MB, none comes near this. */
const MAX_PLAIN_BYTES = 64 * 1024 * 1024;

/** The JSON of a frame's payload by the consumers' rule; `undefined` for what is neither JSON nor brotli of it. */
export function readPlain(payload: Buffer): Buffer | undefined {
  if (isJsonByConsumersRule(payload)) return payload;
  const result = decompressBounded(payload, MAX_PLAIN_BYTES);
  return result.ok && isJsonByConsumersRule(result.plain) ? result.plain : undefined;
}
