import assert from 'node:assert/strict';
import { brotliCompressSync, constants } from 'node:zlib';
import { MESSAGES_PER_BLOCK, SimulatedChain } from '../../../tools/simulate/chain.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName } from '../../../tools/simulate/profile.ts';
import { capturedSamples } from '../../support/fixtures.ts';

interface Metadata {
  readonly receipts?: Readonly<Record<string, { readonly logs: readonly { readonly topics: readonly string[] }[] }>>;
  readonly new_account_balances?: Readonly<Record<string, string>>;
}

function messages(profile: ProfileName, blocks: number): Buffer[] {
  const chain = new SimulatedChain({ seed: 9, profile });
  return Array.from({ length: blocks * MESSAGES_PER_BLOCK }, (_, at) =>
    chain.message({ blockNumber: 900 + Math.floor(at / MESSAGES_PER_BLOCK), index: at % MESSAGES_PER_BLOCK }),
  );
}
const metadataOf = (json: Buffer): Metadata => (JSON.parse(json.toString()) as { metadata: Metadata }).metadata;
const brotli = (json: Buffer): number =>
  brotliCompressSync(json, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }).length;

describe('the profiles of the simulated chain', () => {
  for (const name of PROFILE_NAMES)
    it(`${name}: nine of ten messages have the sizes that it names`, () => {
      const { usual, heavy } = PROFILES[name];
      const sizes = messages(name, name === 'huge' ? 1 : 10)
        .filter((_, at) => at % MESSAGES_PER_BLOCK > 0)
        .map(({ length }) => length);
      // The last transaction or receipt may go over.
      const fitting = sizes.filter((size) => size >= usual.low && size <= usual.high + 4000);
      assert.ok(fitting.length >= sizes.length * 0.9, `${fitting.length} of ${sizes.length}`);
      assert.ok(Math.max(...sizes) <= heavy.high + 6000);
    });

  it('receipts: they have logs with topics, and balances; index 0 has none', () => {
    const [first, second] = messages('receipts', 1).map(metadataOf);
    assert.equal(first!.receipts, undefined);
    const receipts = Object.values(second!.receipts!);
    assert.ok(receipts.length > 10);
    assert.ok(receipts.every(({ logs }) => logs.length > 0 && logs.every(({ topics }) => topics.length === 3)));
    assert.equal(Object.keys(second!.new_account_balances!).length, receipts.length);
  });

  it('base: a block opens with a message as small as the captured one, and compresses about as well', () => {
    const [first, second] = messages('base', 1);
    const captured = capturedSamples();
    const opening = captured.find(({ name }) => name.includes('base-mainnet-50393250-0'))?.content ?? first!;
    assert.ok(
      Math.abs(first!.length - opening.length) < opening.length * 0.1,
      `${first!.length} and ${opening.length}`,
    );
    // The largest real message that there is: 28,607 bytes of compact JSON, of which two receipts are a small part.
    const real = captured.find(({ name }) => name.includes('base-mainnet-37646058-10'))?.content ?? second!;
    const compact = Buffer.from(JSON.stringify(JSON.parse(real.toString())));
    const [ours, theirs] = [second!, compact].map((json) => json.length / brotli(json));
    assert.ok(ours! > theirs! * 0.5 && ours! < theirs! * 2, `${ours} and ${theirs}`);
  });
});
