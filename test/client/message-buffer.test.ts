import assert from 'node:assert/strict';
import { MessageBuffer } from '../../client/message-buffer.ts';

/** A buffer of texts, by its two bounds. */
function bufferOf(maxItems: number, maxBytes: number, onRoom = (): void => undefined): MessageBuffer<string> {
  return new MessageBuffer(maxItems, maxBytes, onRoom);
}

describe('MessageBuffer', () => {
  it('is full at either bound and has room when half of both is free', async () => {
    let room = 0;
    const buffer = bufferOf(4, 100, () => room++);
    buffer.push('1', 60);
    assert.equal(buffer.full, false);
    buffer.push('2', 40);
    assert.equal(buffer.full, true);
    assert.equal(await buffer.take(), '1');
    assert.deepEqual([buffer.full, room], [false, 1]);
    for (const item of ['3', '4', '5']) buffer.push(item, 1);
    assert.equal(buffer.full, true);
    await buffer.take();
    assert.equal(room, 1);
    await buffer.take();
    assert.deepEqual([room, buffer.size], [2, 2]);
  });

  it('hands an item to who waits', async () => {
    const buffer = bufferOf(1, 1);
    const waiting = buffer.take();
    buffer.push('a', 5);
    assert.equal(await waiting, 'a');
    assert.equal(buffer.full, false);
  });

  it('gives what is there, then the error once, then the end', async () => {
    const buffer = bufferOf(9, 9);
    buffer.push('a', 1);
    buffer.end(new Error('over'));
    buffer.push('b', 1);
    assert.equal(await buffer.take(), 'a');
    await assert.rejects(buffer.take(), /over/);
    assert.equal(await buffer.take(), undefined);
  });

  it('ends who waits, and forgets what nobody read', async () => {
    const waiting = bufferOf(9, 9);
    const taken = waiting.take();
    waiting.end();
    assert.equal(await taken, undefined);
    const buffer = bufferOf(9, 9);
    buffer.push('a', 1);
    buffer.discard();
    assert.equal(await buffer.take(), undefined);
  });
});
