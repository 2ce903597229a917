import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { LoadClient, type LoadListener } from '../../../tools/bench/load-client.ts';

describe('a client of the load', () => {
  it('counts a server that takes the connection and never answers as a refusal', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const reason = await new Promise((resolve, reject) => {
        const unexpected = (): void => reject(new Error('not refused'));
        const listener: LoadListener = {
          opened: unexpected,
          message: unexpected,
          pong: unexpected,
          closed: unexpected,
          refused: (_client, why) => resolve(why),
        };
        const target = { host: '127.0.0.1', port, request: 'GET /ws HTTP/1.1\r\n\r\n' };
        new LoadClient(0, target, listener, { reads: false, answerWithinMs: 50 });
      });
      assert.equal(reason, 'no answer');
    } finally {
      server.close();
    }
  });
});
