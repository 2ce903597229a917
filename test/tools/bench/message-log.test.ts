import assert from 'node:assert/strict';
import { MessageLog, type Spread } from '../../../tools/bench/message-log.ts';

function logOf(clients: number): {
  readonly log: MessageLog;
  readonly spreads: Spread[];
  readonly get: (client: number, ...messages: number[]) => void;
} {
  const spreads: Spread[] = [];
  const log = new MessageLog(clients, (spread) => void spreads.push(spread));
  const get = (client: number, ...messages: number[]): void => {
    for (const message of messages) log.received(client, message, 100, 10, 10 + client);
  };
  return { log, spreads, get };
}
const sums = ({ counted, deliveries, bytes, lost, repeated }: MessageLog) => ({
  counted,
  deliveries,
  bytes,
  lost,
  repeated,
});

describe('MessageLog', () => {
  it('tells how a message spread when all clients have it', () => {
    const { log, spreads, get } = logOf(3);
    log.begin();
    get(0, 71);
    get(2, 71);
    assert.equal(spreads.length, 0);
    get(1, 71);
    assert.deepEqual(spreads, [{ fingerprint: 71, bytes: 100, firstAt: 10, offsets: Uint32Array.of(0, 2000, 1000) }]);
  });

  it('counts no message that came before it began', () => {
    const { log, get } = logOf(2);
    get(0, 1, 2);
    log.begin();
    get(1, 1, 2, 2);
    assert.deepEqual(sums(log), { counted: 0, deliveries: 0, bytes: 0, lost: 0, repeated: 0 });
    get(0, 3);
    get(1, 3);
    assert.deepEqual(sums(log), { counted: 1, deliveries: 2, bytes: 200, lost: 0, repeated: 0 });
  });

  it('counts a gap as lost messages, and what comes again or late as repeated', () => {
    const { log, get } = logOf(2);
    log.begin();
    get(0, 1, 2, 3, 4);
    get(1, 1, 4, 2, 4);
    assert.deepEqual(sums(log), { counted: 4, deliveries: 6, bytes: 800, lost: 2, repeated: 2 });
  });

  it('counts what clients that stayed do not have at the end as lost', () => {
    const { log, spreads, get } = logOf(3);
    log.begin();
    get(0, 1, 2, 3);
    get(1, 1);
    log.end();
    assert.deepEqual([log.complete(0), log.complete(1)], [true, false]);
    get(0, 4);
    log.finish([0, 1]);
    assert.deepEqual(sums(log), { counted: 3, deliveries: 4, bytes: 400, lost: 2, repeated: 0 });
    assert.deepEqual(
      spreads.map(({ fingerprint, offsets }) => [fingerprint, offsets.length]),
      [
        [1, 2],
        [2, 1],
        [3, 1],
      ],
    );
  });

  it('counts all messages as lost for a client that got none', () => {
    const { log, get } = logOf(2);
    log.begin();
    get(0, 1, 2);
    log.finish([0, 1]);
    assert.equal(log.lost, 2);
  });

  it('counts no more messages than it is to', () => {
    const { log, get } = logOf(1);
    log.begin(2);
    get(0, 1);
    assert.equal(log.ended, false);
    get(0, 2);
    assert.equal(log.ended, true);
    get(0, 3, 3);
    assert.deepEqual(sums(log), { counted: 2, deliveries: 2, bytes: 200, lost: 0, repeated: 0 });
  });

  it('waits for 256 messages at most, and knows 1,024', () => {
    const { log, spreads, get } = logOf(2);
    log.begin();
    for (let message = 0; message < 1024; message++) get(0, message);
    assert.equal(spreads.length, 1024 - 256);
    get(0, 0);
    assert.equal(log.repeated, 1);
    get(0, 1024);
    get(0, 0);
    assert.deepEqual([log.repeated, log.counted], [1, 1026]);
  });
});
