import { strict as assert } from 'node:assert';
import { LetGoContents } from '../../../ingest/publish/let-go.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';

const flashblock = (index: number) => upstreamMessage(flashblockJson({ blockNumber: 7, index }));

describe('contents that were let go', () => {
  it('are known until they go in after all', () => {
    const contents = new LetGoContents();
    contents.add(flashblock(0));
    assert.equal(contents.has(flashblock(0).contentHash), true);
    contents.delete(flashblock(0));
    assert.equal(contents.has(flashblock(0).contentHash), false);
  });

  it('are bounded, the newest stay', () => {
    const contents = new LetGoContents();
    for (let index = 0; index < 200; index += 1) contents.add(flashblock(index));
    assert.equal(contents.size, 64);
    assert.equal(contents.has(flashblock(199).contentHash), true);
    assert.equal(contents.has(flashblock(135).contentHash), false);
  });
});
