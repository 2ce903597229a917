/** Keys as tests make them. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { MAX_LIMIT, type KeyRecord, printKeyLine } from '../../../edge/keys/key-record.ts';

export function digestHex(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The line of a key, with options as they stand in the file. */
export function lineOf(application: string, key: string, options: Omit<Partial<KeyRecord>, 'digest'> = {}): string {
  return printKeyLine({ application, digest: digestHex(key), ...options });
}

/** Any key that a line can say. */
export const anyRecord: fc.Arbitrary<KeyRecord> = fc
  .record(
    {
      application: fc.stringMatching(/^[!"$-9;-~é№][!-9;-~é№]{0,40}$/),
      digest: fc.stringMatching(/^[0-9a-f]{64}$/),
      limit: fc.integer({ min: 1, max: MAX_LIMIT }),
      expiresAt: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
    },
    { requiredKeys: ['application', 'digest'] },
  )
  .map((record) => ({ ...record }));
