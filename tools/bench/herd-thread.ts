/** A worker thread: one {@link Herd}, driven by the main thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { Herd } from './herd.ts';
import type { FromHerd, HerdOptions, ToHerd } from './thread-messages.ts';

const port = parentPort;
if (port !== null) {
  const transfer = (message: FromHerd): ArrayBuffer[] =>
    message.kind === 'spread' ? [message.spread.offsets.buffer as ArrayBuffer] : [];
  const herd = new Herd(workerData as HerdOptions, (message) => port.postMessage(message, transfer(message)));
  port.on('message', (message: ToHerd) => {
    herd.take(message);
    if (message.kind === 'leave') port.close();
  });
  herd.start();
}
