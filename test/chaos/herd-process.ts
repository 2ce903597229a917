/** The process of a {@link Herd}: many base nodes that resume at once. */
import { BaseNodeFleet } from '../support/base-node-fleet.ts';
import type { HerdOptions, HerdReport } from './herd.ts';

const fleet = new BaseNodeFleet();

function report(): HerdReport {
  const { nodes } = fleet;
  return {
    complete: nodes.filter(({ seams }) => seams[0]?.outcome === 'complete').length,
    left: nodes.filter(({ seams, connected }) => seams.length !== 1 || !connected).length,
    pongTimeouts: nodes.filter(({ pongTimeouts }) => pongTimeouts > 0).length,
    violations: nodes.filter(({ violations }) => violations > 0).length,
  };
}

async function resume({ port, clients, behind, messages }: HerdOptions): Promise<void> {
  const had = Buffer.from(behind);
  fleet.add({ nodes: clients, url: () => `ws://127.0.0.1:${port}/ws`, behind: () => had });
  await fleet.connected();
  // What a node had before it came counts as received.
  await fleet.received(messages + 1);
}

process.on('message', (options: HerdOptions | 'report') => {
  if (options === 'report') process.send?.(report());
  else void resume(options).then(() => process.send?.('caught up'));
});
process.on('disconnect', () => process.exit());
