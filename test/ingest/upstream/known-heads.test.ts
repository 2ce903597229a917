import assert from 'node:assert/strict';
import { KnownHeads, MAX_KNOWN_HEADS } from '../../../ingest/upstream/known-heads.ts';
import { contentHashOf } from '../../../shared/envelope.ts';

const flashblock = (blockNumber: number): Buffer =>
  Buffer.from(JSON.stringify({ payload_id: '0x01', index: 0, metadata: { block_number: blockNumber } }));

describe('KnownHeads', () => {
  it('parses a content once, and gives its head again by its hash', () => {
    const heads = new KnownHeads();
    const content = flashblock(7);
    const hash = contentHashOf(content);
    const head = heads.read(content, hash);
    assert.deepEqual(head?.position, { blockNumber: 7, index: 0 });
    assert.equal(heads.read(Buffer.from('not looked at'), hash), head);
  });

  it('knows again what is no flashblock', () => {
    const heads = new KnownHeads();
    assert.equal(heads.read(Buffer.from('{}'), 'a'), undefined);
    assert.equal(heads.read(flashblock(1), 'a'), undefined);
    assert.equal(heads.size, 1);
  });

  it('forgets the oldest beyond its bound', () => {
    const heads = new KnownHeads();
    for (let block = 0; block <= MAX_KNOWN_HEADS; block++) heads.read(flashblock(block), String(block));
    assert.equal(heads.size, MAX_KNOWN_HEADS);
    assert.equal(heads.read(flashblock(9), '0')?.position.blockNumber, 9);
    assert.equal(heads.read(flashblock(9), String(MAX_KNOWN_HEADS))?.position.blockNumber, MAX_KNOWN_HEADS);
  });
});
