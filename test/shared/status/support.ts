import type { Logger } from '../../../shared/log.ts';
import type { FlashblockRecord, FlashblocksEvent, SecondEvent } from '../../../shared/status/contract.ts';
import type { Arrival } from '../../../shared/status/race-history.ts';
import type { FeedEvent } from '../../../shared/status/status-feed.ts';
import type { StreamMessage } from '../../../shared/status/stream-history.ts';

export function message(blockNumber: number, index: number, rest: Partial<StreamMessage> = {}): StreamMessage {
  return {
    position: { blockNumber, index },
    payloadId: `0x${blockNumber.toString(16)}`,
    receivedAtMs: blockNumber * 2000 + index * 200,
    plainLength: 30_000,
    payloadEncoding: 'plain',
    restart: false,
    ...rest,
  };
}

export function arrival(upstream: number, index: number): Arrival {
  return {
    upstream,
    contentHash: `hash${index.toString()}`,
    head: { position: { blockNumber: 7, index } },
  };
}

export function record(block: number, index: number, rest: Partial<FlashblockRecord> = {}): FlashblockRecord {
  return {
    block,
    index,
    payloadId: `0x${block.toString(16)}`,
    at: block * 2000 + index * 200,
    bytes: 30_000,
    packed: null,
    restart: false,
    lostBefore: 0,
    ...rest,
  };
}

/** A clock and timers that a test moves; errors that nobody expects throw. */
export function virtualTime() {
  const timers = new Set<{ readonly ms: number; readonly callback: () => void }>();
  const time = { now: 0 };
  return {
    time,
    timers,
    /** Calls what is due every so many milliseconds. */
    fire: (ms: number): void => {
      for (const timer of timers) if (timer.ms === ms) timer.callback();
    },
    deps: {
      now: () => time.now,
      wallClock: () => 1_000_000 + time.now,
      every: (ms: number, callback: () => void) => {
        const timer = { ms, callback };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
      log: {
        error: (fields: { readonly err: Error }) => {
          throw fields.err;
        },
      } as unknown as Pick<Logger, 'error'>,
    },
  };
}

export function flashblocksOf(events: readonly FeedEvent[]): FlashblocksEvent[] {
  return events.flatMap((event) => (event.name === 'flashblocks' ? [event.data] : []));
}

export function secondsOf(events: readonly FeedEvent[]): SecondEvent[] {
  return events.flatMap((event) => (event.name === 'second' ? [event.data] : []));
}
