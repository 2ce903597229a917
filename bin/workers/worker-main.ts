/** The process of a worker. Only a primary starts it. */
import type { Order, Word } from './messages.ts';
import { runWorker } from './worker.ts';

// A terminal signals all processes of a program at once, and an operator perhaps too: the primary tells what to do, once.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);

let listener: (order: Order) => void = () => undefined;

function say(word: Word): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(word, undefined, {}, () => resolve());
  });
}

process.on('message', (order: Order) => {
  if (order.kind !== 'begin') {
    listener(order);
    return;
  }
  const link = { say, onOrder: (onOrder: (order: Order) => void) => (listener = onOrder) };
  // The channel to the primary would keep it; that all else is closed, `serve` looks at.
  void runWorker(order, link, process).then((status) => process.exit(status));
});
// Without its primary it would hold the port against the next one.
process.prependOnceListener('disconnect', () => process.exit(1));
await say({ kind: 'hello' });
