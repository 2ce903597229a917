// A worker that speaks the wasm engine's messages and does what the first word of a job says.
import { parentPort } from 'node:worker_threads';

parentPort.on('message', ({ id, plain }) => {
  const word = String.fromCharCode(...plain).split(' ')[0];
  if (word === 'crash') throw new Error('crashed as asked');
  if (word === 'refuse') parentPort.postMessage({ id });
  if (word === 'echo') parentPort.postMessage({ id, compressed: plain });
});
