import assert from 'node:assert/strict';
import { dialUrl, hasFilter, readStreamUrl } from '../../client/stream-url.ts';

const point = { blockNumber: 7, index: 3, payloadId: '0x03&a=b' };

describe('the URL of a dial', () => {
  for (const [text, asked, expected] of [
    ['ws://h/ws', { snapshot: false, from: undefined }, 'ws://h/ws'],
    ['ws://h', { snapshot: true, from: undefined }, 'ws://h/?snapshot=block'],
    ['ws://h/ws?snapshot=block', { snapshot: true, from: undefined }, 'ws://h/ws?snapshot=block'],
    [
      'wss://u:p@h:1/ws/KEY?addresses=0x1,0x2&token=a%20b',
      { encoding: 'br', snapshot: true, from: point },
      'wss://u:p@h:1/ws/KEY?addresses=0x1,0x2&token=a%20b&encoding=br&block_number=7&flashblock_index=3&payload_id=0x03%26a%3Db',
    ],
    [
      'ws://h/?encoding=text&block_number=1&flashblock_index=2&payload_id=3',
      { encoding: 'br', snapshot: false, from: { blockNumber: 7, index: 0 } },
      'ws://h/?encoding=br&block_number=7&flashblock_index=0',
    ],
    [
      'ws://h/?block_number=1&flashblock_index=2',
      { snapshot: false, from: undefined },
      'ws://h/?block_number=1&flashblock_index=2',
    ],
    [
      'ws://h/?block_number=1&flashblock_index=2&snapshot=block&topics=0x1',
      { snapshot: true, from: 'live' },
      'ws://h/?topics=0x1',
    ],
  ] as const)
    it(`is ${expected} of ${text}`, () => {
      assert.equal(dialUrl(readStreamUrl(text), asked), expected);
    });

  it('has a filter where a group has terms', () => {
    assert.equal(hasFilter(new URL('ws://h/?addresses=&match=all')), false);
    assert.equal(hasFilter(new URL('ws://h/?topics=0x1')), true);
  });
});
