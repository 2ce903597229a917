import { strict as assert } from 'node:assert';
import { SeenMessages } from '../../../edge/stream/seen.ts';
import { WaitingMessages } from '../../../edge/stream/waiting.ts';
import { envelopeOf, envelopesOf } from './envelopes.ts';

describe('messages that were seen', () => {
  it('end at their number, the oldest first', () => {
    const seen = new SeenMessages(3);
    for (const name of ['a', 'b', 'c', 'd']) seen.add(`token ${name}`, `content ${name}`);
    assert.equal(seen.size, 3);
    assert.deepEqual([seen.hasToken('token a'), seen.hasToken('token b')], [false, true]);
    assert.deepEqual([seen.hasContent('content a'), seen.hasContent('content b')], [false, true]);
  });

  it('keep a content that recurs as new', () => {
    const seen = new SeenMessages(2);
    for (const [token, content] of ['1a', '2b', '3a', '4c'] as unknown as string[][]) seen.add(token!, content!);
    assert.deepEqual([seen.hasContent('a'), seen.hasContent('b')], [true, false]);
  });
});

describe('messages that wait', () => {
  const bounds = { streamMaxMessages: 3, streamMaxBytes: 100 };
  const sized = (sequence: number, bytes: number) => envelopeOf(sequence, { plain: Buffer.alloc(bytes) });

  it('end at their number, the oldest first', () => {
    const waiting = new WaitingMessages(bounds);
    const envelopes = envelopesOf(1, 5);
    for (const envelope of envelopes) waiting.push(envelope);
    assert.deepEqual([waiting.length, waiting.arrivals], [3, 5]);
    assert.deepEqual(
      envelopes.map(({ token }) => waiting.has(token)),
      [false, false, true, true, true],
    );
  });

  it('end at their bytes, the newest always kept', () => {
    const waiting = new WaitingMessages(bounds);
    for (const sequence of [1, 2, 3]) waiting.push(sized(sequence, 45));
    assert.deepEqual([waiting.length, waiting.bytes], [2, 90]);
    waiting.push(sized(4, 500));
    assert.deepEqual([waiting.length, waiting.bytes], [1, 500]);
  });

  it('go with one that the stream has passed, where they arrived before it', () => {
    const waiting = new WaitingMessages(bounds);
    for (const sequence of [1, 2, 3]) waiting.push(sized(sequence, 10 * sequence));
    waiting.takeWhere(({ sequence }) => (sequence === 2 ? 'passed' : false));
    assert.deepEqual([waiting.length, waiting.bytes], [1, 30]);
  });
});
