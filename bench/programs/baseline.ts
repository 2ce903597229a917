/**
 * The obvious program, which everything is compared with: take each message of one upstream, compress it, send it to all. A
 * library's server and client, as most would write it: no order, no deduplication, no limits, no resume, no metrics.
 *
 *     node baseline.ts UPSTREAM_URL PORT
 *
 * Sends `ready` to its parent when it listens and has its upstream.
 */
import { once } from 'node:events';
import { brotliCompressSync, constants } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';

/** Quality and window of base's `websocket-proxy`. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 22 } };

const [upstreamUrl = '', port = '0'] = process.argv.slice(2);

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false });
server.on('connection', (client) => client.on('error', () => client.terminate()));

const upstream = new WebSocket(upstreamUrl, { perMessageDeflate: false });
upstream.on('message', (message: Buffer) => {
  const compressed = brotliCompressSync(message, BROTLI);
  for (const client of server.clients) client.send(compressed, { binary: true });
});

await Promise.all([once(server, 'listening'), once(upstream, 'open')]);
process.send?.('ready');
process.on('disconnect', () => process.exit());
