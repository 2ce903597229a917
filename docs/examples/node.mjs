// npm install flashcast; node node.mjs ws://127.0.0.1:8545/ws
import { connect } from 'flashcast/client';

const client = connect(process.argv[2], {
  onEvent: (event) => console.error(event.type, event.reason ?? event.resume ?? ''),
});
let received = 0;
for await (const message of client) {
  if (message.kind !== 'flashblock') continue;
  const { position, order, flashblock } = message;
  console.log(`${position.blockNumber}-${position.index}`, order, flashblock.diff.transactions.length);
  if (++received === 20) break; // Leaving the loop closes the connection.
}
