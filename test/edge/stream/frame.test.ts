import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { BINARY, TEXT, closeFrame, dataFrame, pingFrame, pongFrame } from '../../../edge/stream/frame.ts';

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Answers the handshake of a WebSocket client and gives the bare socket, as nothing but our frames may go over it. */
async function upgrade(socket: Socket): Promise<Socket> {
  const [request] = (await once(socket, 'data')) as [Buffer];
  const key = /^sec-websocket-key: (.*)$/im.exec(request.toString('latin1'))?.[1]?.trim() ?? '';
  const accept = createHash('sha1')
    .update(key + ACCEPT_GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  return socket;
}

describe('WebSocket frames', () => {
  let server: Server;
  let socket: Socket;
  let client: WebSocket;

  beforeEach(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, { perMessageDeflate: false });
    const opened = once(client, 'open');
    socket = await upgrade((await accepted)[0]);
    await opened;
  });

  afterEach(async () => {
    client.terminate();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  for (const size of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
    it(`carry a Binary message of ${size} bytes to a client`, async () => {
      const payload = Buffer.alloc(size, 'flashblock');
      socket.write(dataFrame(BINARY, payload));
      const [received, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
      assert.equal(isBinary, true);
      assert.ok(received.equals(payload));
    });

    it(`carry a Text message of ${size} bytes to a client`, async () => {
      const payload = Buffer.alloc(size, 'flashblock');
      socket.write(dataFrame(TEXT, payload));
      const [received, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
      assert.equal(isBinary, false);
      assert.ok(received.equals(payload));
    });
  }

  it('follow each other on one connection without a byte between them', async () => {
    const sizes = [126, 0, 65_536, 125];
    const received: number[] = [];
    const all = new Promise<void>((resolve) =>
      client.on('message', (data: Buffer) => {
        received.push(data.length);
        if (received.length === sizes.length) resolve();
      }),
    );
    socket.write(Buffer.concat(sizes.map((size) => dataFrame(BINARY, Buffer.alloc(size)))));
    await all;
    assert.deepEqual(received, sizes);
  });

  it('ping a client with an empty payload', async () => {
    socket.write(pingFrame());
    const [payload] = (await once(client, 'ping')) as [Buffer];
    assert.equal(payload.length, 0);
  });

  it('answer a ping with its payload', async () => {
    socket.write(pongFrame(Buffer.from('payload of the ping')));
    const [payload] = (await once(client, 'pong')) as [Buffer];
    assert.equal(payload.toString(), 'payload of the ping');
  });

  it('close with a code and a reason', async () => {
    socket.write(closeFrame(1013, 'too slow'));
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    assert.equal(code, 1013);
    assert.equal(reason.toString(), 'too slow');
  });

  it('close with a reason cut at the end of a character where it is too long for a control frame', async () => {
    const frame = closeFrame(1001, `${'x'.repeat(121)}€€`);
    assert.ok(frame.length <= 2 + 125);
    socket.write(frame);
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    assert.equal(code, 1001);
    assert.equal(reason.toString(), 'x'.repeat(121));
  });

  it('refuse a pong longer than a control frame may be', () => {
    assert.throws(() => pongFrame(Buffer.alloc(126)), RangeError);
  });
});
