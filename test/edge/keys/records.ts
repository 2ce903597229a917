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

/** All that ASCII can print but the colon, and two beyond it. */
const NAME_CHARACTER = fc.constantFrom(
  ...Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).filter((char) => char !== ':'),
  'é',
  '№',
);

/** Any key that a line can say. */
export const anyRecord: fc.Arbitrary<KeyRecord> = fc
  .record(
    {
      application: fc
        .string({ unit: NAME_CHARACTER, minLength: 1, maxLength: 40 })
        .filter((name) => !name.startsWith('#')),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      limit: fc.integer({ min: 1, max: MAX_LIMIT }),
      expiresAt: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
    },
    { requiredKeys: ['application', 'digest'] },
  )
  .map((record) => ({ ...record }));

/** Text of any characters, control characters and halves of pairs among them. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.nat(0xffff), { maxLength }).map((codes) => String.fromCharCode(...codes));
}
