import { contentHashOf, type Envelope } from '../../../shared/envelope.ts';

/** 32 hex characters that name something. */
export const idOf = (name: string) => contentHashOf(Buffer.from(name));

/**
 * An envelope as the backplane hands it on: number `sequence` of epoch `A`, following number `sequence - 1`.
 *
 * @param fields whatever is to be otherwise; `branch` tells the tokens of two histories with the same numbers apart
 */
export function envelopeOf(
  sequence: number,
  {
    branch = '',
    plain = Buffer.from(`{"n":"${sequence}${branch}"}`),
    ...fields
  }: Partial<Envelope> & { branch?: string } = {},
): Envelope {
  return {
    epoch: idOf('A'),
    sequence,
    previousEpoch: '',
    previousSequence: 0,
    token: tokenOf(sequence, branch),
    predecessor: sequence === 1 ? '' : tokenOf(sequence - 1, branch),
    kind: 'json',
    restart: false,
    contentHash: contentHashOf(plain),
    receivedAtMs: 1_700_000_000_000,
    ingestId: 'ingest',
    plainLength: plain.length,
    payloadEncoding: 'plain',
    payload: plain,
    ...fields,
  };
}

export const tokenOf = (sequence: number, branch = '') => idOf(`token ${sequence}${branch}`);

/** Envelopes with the numbers from `first` to `last`. */
export function envelopesOf(first: number, last: number, fields: Parameters<typeof envelopeOf>[1] = {}): Envelope[] {
  return Array.from({ length: last - first + 1 }, (_, at) => envelopeOf(first + at, fields));
}
