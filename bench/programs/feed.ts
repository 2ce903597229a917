/**
 * The builder of a measurement, in a process of its own: stamped messages at an even pace on as many ports as it is asked for,
 * the same bytes on all of them.
 */
import { SimulatedChain, MESSAGES_PER_BLOCK } from '../../tools/simulate/chain.ts';
import { Publisher } from '../../tools/simulate/publisher.ts';
import { monotonicMs, stampMessage } from '../../tools/stamp.ts';

export interface FeedOptions {
  readonly intervalMs: number;
  /** Ports, each an upstream. */
  readonly upstreams: number;
}

/** How much later a message comes on each further port: builders are a network apart. */
const SKEW_MS = 3;
const SEED = 7;

const chain = new SimulatedChain({ seed: SEED });
let number = MESSAGES_PER_BLOCK;

function nextMessage(): Buffer {
  const message = chain.message({
    blockNumber: Math.floor(number / MESSAGES_PER_BLOCK),
    index: number % MESSAGES_PER_BLOCK,
  });
  number++;
  return message;
}

async function publish({ intervalMs, upstreams }: FeedOptions): Promise<void> {
  const publishers = Array.from({ length: upstreams }, () => new Publisher({ host: '127.0.0.1', port: 0 }));
  for (const publisher of publishers) await publisher.start();
  let prepared = nextMessage();
  let dueAt = monotonicMs() + intervalMs;
  const send = (): void => {
    const now = monotonicMs();
    const message = stampMessage(prepared, now);
    for (const [at, publisher] of publishers.entries()) {
      if (at === 0) publisher.send(message, false);
      else setTimeout(() => publisher.send(message, false), at * SKEW_MS);
    }
    // The next message is made when clients are done with this one, so that making it costs them nothing.
    setTimeout(() => (prepared = nextMessage()), intervalMs / 2);
    dueAt = Math.max(dueAt + intervalMs, now);
    setTimeout(send, Math.max(intervalMs / 2 + 1, dueAt - monotonicMs()));
  };
  setTimeout(send, intervalMs);
  process.send?.(publishers.map(({ port }) => `ws://127.0.0.1:${port}/`));
}

process.on('message', (options: FeedOptions) => void publish(options));
process.on('disconnect', () => process.exit());
