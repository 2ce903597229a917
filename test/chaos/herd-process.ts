/** The process of a {@link Herd}: many base nodes that resume at once. */
import { BaseNodeFleet } from '../support/base-node-fleet.ts';
import { herdReport, type HerdOptions } from './herd.ts';

const fleet = new BaseNodeFleet();

async function resume({ port, clients, behind, messages }: HerdOptions): Promise<void> {
  const had = Buffer.from(behind);
  fleet.add({ nodes: clients, url: () => `ws://127.0.0.1:${port}/ws`, behind: () => had });
  await fleet.connected();
  // What a node had before it came counts as received.
  await fleet.received(messages + 1);
}

process.on('message', (options: HerdOptions | 'report') => {
  if (options === 'report') process.send?.(herdReport(fleet.nodes));
  else void resume(options).then(() => process.send?.('caught up'));
});
process.on('disconnect', () => process.exit());
