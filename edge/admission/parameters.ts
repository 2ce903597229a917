/** The query parameters that say what a client wants to be sent, and how (client-protocol). Names that are not known are ignored. */
import { MAX_FLASHBLOCK_INDEX, MAX_PAYLOAD_ID_LENGTH } from '../../shared/flashblock.ts';
import { type FilterSettings, parseFilter } from '../filter/parse-filter.ts';
import type { ClientEncoding } from '../stream/contract.ts';
import type { ResumeWish } from '../stream/resume.ts';
import type { AdmissionStep, Candidate, Grant } from './admission.ts';
import { type Refusal, badRequest } from './refusal.ts';

const ENCODINGS: ReadonlySet<string> = new Set(['br', 'identity', 'text'] satisfies ClientEncoding[]);
/** 2^53-1 has 16 digits. */
const WHOLE_NUMBER = /^\d{1,16}$/;

/** A parameter that is not what it must be. The message names it and never repeats what was sent. */
class ParameterError extends Error {}

/** Reads the parameters into the grant. */
export class ParametersStep implements AdmissionStep {
  readonly #settings: FilterSettings;

  constructor(settings: FilterSettings) {
    this.#settings = settings;
  }

  admit({ query }: Candidate, grant: Grant): Refusal | undefined {
    try {
      grant.encoding = readEncoding(query) ?? grant.encoding;
      grant.resume = readResume(query);
      const parsed = parseFilter(query, this.#settings);
      if (!parsed.ok) return badRequest(parsed.message);
      grant.filter = parsed.filter;
      return undefined;
    } catch (error) {
      if (error instanceof ParameterError) return badRequest(error.message);
      throw error;
    }
  }
}

function readEncoding(query: URLSearchParams): ClientEncoding | undefined {
  const encoding = readOnce(query, 'encoding');
  if (encoding === undefined || isEncoding(encoding)) return encoding;
  throw new ParameterError('encoding: expected br, identity or text');
}

/** A position wins over a snapshot; one of its two halves alone is none, and alone asks for nothing. */
function readResume(query: URLSearchParams): ResumeWish | undefined {
  const blockNumber = readWholeNumber(query, 'block_number', Number.MAX_SAFE_INTEGER);
  const index = readWholeNumber(query, 'flashblock_index', MAX_FLASHBLOCK_INDEX);
  const payloadId = readOnce(query, 'payload_id');
  if (payloadId !== undefined && (payloadId === '' || payloadId.length > MAX_PAYLOAD_ID_LENGTH))
    throw new ParameterError(`payload_id: expected 1 to ${MAX_PAYLOAD_ID_LENGTH} characters`);
  const snapshot = readOnce(query, 'snapshot');
  if (snapshot !== undefined && snapshot !== 'block') throw new ParameterError('snapshot: expected block');

  if (blockNumber !== undefined && index !== undefined)
    return {
      kind: 'position',
      after: { position: { blockNumber, index }, ...(payloadId !== undefined && { payloadId }) },
    };
  if (snapshot !== undefined) return { kind: 'snapshot' };
  return blockNumber === undefined && index === undefined ? undefined : { kind: 'live' };
}

function readWholeNumber(query: URLSearchParams, name: string, max: number): number | undefined {
  const text = readOnce(query, name);
  if (text === undefined) return undefined;
  const value = WHOLE_NUMBER.test(text) ? Number(text) : NaN;
  if (value <= max) return value;
  throw new ParameterError(`${name}: expected a whole number from 0 to ${max}`);
}

function readOnce(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  if (more.length > 0) throw new ParameterError(`${name}: expected once`);
  return value;
}

function isEncoding(value: string): value is ClientEncoding {
  return ENCODINGS.has(value);
}
