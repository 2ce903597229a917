import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { connect as connectInBrowser, type BrowserClientOptions } from '../../client/browser.ts';
import { connect, type ClientEvent, type FlashcastClient, type StreamMessage } from '../../client/node.ts';
import { TestBuilder } from '../support/builder.ts';
import { flashblockJson } from '../support/messages.ts';
import { usesResources } from '../support/use.ts';

const block = (blockNumber: number, index: number): Buffer => flashblockJson({ blockNumber, index });

async function take(client: FlashcastClient, count: number): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  for await (const message of client) if (messages.push(message) === count) break;
  return messages;
}

/** A server that answers a handshake with whatever it likes, and closes nothing by itself. */
class RawServer implements AsyncDisposable {
  readonly #server = createTcpServer({ allowHalfOpen: true });
  readonly #sockets = new Set<Socket>();

  static async start(answer: (socket: Socket, request: string) => void): Promise<RawServer> {
    const raw = new RawServer();
    raw.#server.on('connection', (socket) => {
      raw.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', (request) => answer(socket, request.toString('latin1')));
    });
    raw.#server.listen(0, '127.0.0.1');
    await once(raw.#server, 'listening');
    return raw;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** The answer to a handshake that any client takes. */
function accept(request: string): Buffer {
  const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? '';
  const digest = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  return Buffer.from(`${head}Sec-WebSocket-Accept: ${digest}\r\n\r\n`);
}

/** Connects, and closes at the first end of a connection. */
function firstEnd(url: string): Promise<Extract<ClientEvent, { type: 'disconnected' }>> {
  return new Promise((resolve) => {
    const client = connect(url, {
      onEvent: (event) => {
        if (event.type !== 'disconnected') return;
        resolve(event);
        void client.close();
      },
    });
  });
}

describe('the client in Node', () => {
  const use = usesResources();

  it('reads every encoding, sends its headers, and closes cleanly', async () => {
    const builder = use(await TestBuilder.start());
    const client = connect(builder.url, { encoding: 'br', headers: { authorization: 'Bearer KEY' } });
    const taken = take(client, 4);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    connection!.sendBinary(block(5, 1));
    connection!.sendBrotli(block(5, 2));
    connection!.sendBinary(Buffer.from('ff00fe01fd02', 'hex'));
    const messages = await taken;
    assert.deepEqual(
      messages.map(({ kind, encoding }) => [kind, encoding]),
      [
        ['flashblock', 'text'],
        ['flashblock', 'identity'],
        ['flashblock', 'br'],
        ['other', 'raw'],
      ],
    );
    assert.deepEqual(Buffer.from(messages[2]!.plain), block(5, 2));
    assert.equal(builder.attempts[0]!.url, '/ws?encoding=br');
    assert.equal(builder.attempts[0]!.headers.authorization, 'Bearer KEY');
    await builder.changes.until(() => connection!.closeCode === 1000, 'a clean close');
  });

  it('goes on behind what it had when its connection is cut', async () => {
    const builder = use(await TestBuilder.start({ resumes: true }));
    const client = connect(builder.url, { backoffMs: 1 });
    const taken = take(client, 6);
    const [connection] = await builder.connected();
    for (const index of [0, 1, 2]) builder.sendText(block(5, index));
    connection!.cut();
    for (const index of [3, 4, 5]) builder.sendText(block(5, index));
    const messages = await taken;
    assert.deepEqual(
      messages.map((message) => message.kind === 'flashblock' && [message.position.index, message.order]),
      [0, 1, 2, 3, 4, 5].map((index) => [index, index === 0 ? 'first' : 'next']),
    );
    assert.equal(client.stats.reconnects, 1);
  });

  it('tells what the server says of a resume, and of a refusal', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(503, { 'retry-after': '1' }).end('{"message":"Draining \\u001b[31mnow"}');
    });
    server.on('upgrade', (request, socket) => {
      const key = String(request.headers['sec-websocket-key']);
      socket.on('error', () => undefined);
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.on('end', () => socket.end()).resume();
      socket.write(
        [
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: websocket',
          'Connection: Upgrade',
          `Sec-WebSocket-Accept: ${accept}`,
          'Flashcast-Resume: partial',
          'Flashcast-From: 9-0',
          '\r\n',
        ].join('\r\n'),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const told = new Promise<ClientEvent>((resolve) => {
      const client = connect(`ws://127.0.0.1:${port}/ws`, {
        resume: { blockNumber: 7, index: 1 },
        onEvent: (event) => {
          resolve(event);
          void client.close();
        },
      });
    });
    assert.deepEqual(await told, {
      type: 'connected',
      again: false,
      resume: 'partial',
      from: { blockNumber: 9, index: 0 },
    });
    server.removeAllListeners('upgrade');
    server.closeAllConnections();
    const refused = new Promise<ClientEvent>((resolve) => {
      const client = connect(`ws://127.0.0.1:${port}/ws`, {
        onEvent: (event) => {
          resolve(event);
          void client.close();
        },
      });
    });
    const event = await refused;
    assert.ok(event.type === 'disconnected' && event.retryInMs! >= 1000);
    assert.equal(event.reason, 'refused with HTTP status 503: Draining now');
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('does not take a message over its bound again and again', async () => {
    const builder = use(await TestBuilder.start());
    const client = connect(builder.url, { maxMessageBytes: 1000 });
    const taken = take(client, 1);
    const [connection] = await builder.connected();
    connection!.sendText(`{"x":"${'x'.repeat(1000)}"}`);
    await assert.rejects(taken, /Max payload size exceeded/);
    assert.equal(builder.attempts.length, 1);
  });

  it('waits a minute where it is asked to wait for longer than it can say', async () => {
    const server = use(
      await RawServer.start((socket) => {
        socket.end('HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n');
      }),
    );
    const event = await firstEnd(server.url);
    assert.ok(event.retryInMs! >= 60_000 && event.retryInMs! <= 60_500, JSON.stringify(event));
  });

  for (const [what, bytes] of [
    ['closes', '880203e9'],
    ['breaks the protocol', 'ff00'],
  ] as const)
    it(`does not wait for a server that ${what} and keeps the socket open`, async () => {
      const server = use(
        await RawServer.start((socket, request) => {
          socket.write(Buffer.concat([accept(request), Buffer.from(bytes, 'hex')]));
        }),
      );
      const event = await firstEnd(server.url);
      assert.equal(event.code, what === 'closes' ? 1001 : undefined);
    });

  it('stops reading from the server while its reader does not read', async () => {
    const builder = use(await TestBuilder.start());
    let tell: () => void = () => undefined;
    const paused = new Promise<void>((resolve) => (tell = resolve));
    const client = connect(builder.url, {
      maxBufferedMessages: 2,
      onEvent: ({ type }) => {
        if (type === 'slow-reader') tell();
      },
    });
    const [connection] = await builder.connected();
    for (let sent = 0; sent < 20; sent++) builder.sendText(`{"n":${sent},"x":"${'x'.repeat(1_000_000)}"}`);
    await paused;
    assert.ok(connection!.queuedBytes > 0);
    const messages = await take(client, 20);
    assert.deepEqual(
      messages.map((message) => message.kind === 'other' && (message.json as { n: number }).n),
      Array.from({ length: 20 }, (_, n) => n),
    );
  });
});

/** `ws` has the standard's interface too, so that it can stand in for a browser's. */
const Standard = WebSocket as unknown as NonNullable<BrowserClientOptions['WebSocket']>;

describe('the client in browsers', () => {
  const use = usesResources();

  it('asks for plain JSON where it cannot inflate, and for the default where it can', async () => {
    const builder = use(await TestBuilder.start());
    const plain = connectInBrowser(builder.url, { WebSocket: Standard });
    const taken = take(plain, 2);
    const [connection] = await builder.connected();
    connection!.sendBinary(block(5, 0));
    connection!.sendText(block(5, 1));
    assert.deepEqual(
      (await taken).map(({ kind, encoding }) => [kind, encoding]),
      [
        ['flashblock', 'identity'],
        ['flashblock', 'text'],
      ],
    );
    const { brotliWasm } = await import('../../shared/codec/wasm.ts');
    const inflating = connectInBrowser(builder.url, { WebSocket: Standard, inflate: brotliWasm.decompress });
    const inflated = take(inflating, 2);
    const [second] = await builder.connected();
    second!.sendBinary(Buffer.from('ff00fe01fd02', 'hex'));
    second!.sendBrotli(block(5, 2));
    assert.deepEqual(
      (await inflated).map(({ kind, encoding }) => [kind, encoding]),
      [
        ['other', 'raw'],
        ['flashblock', 'br'],
      ],
    );
    assert.deepEqual(
      builder.attempts.map(({ url }) => url),
      ['/ws?encoding=identity', '/ws'],
    );
  });

  it('leaves when its reader is slow, and misses nothing', async () => {
    const builder = use(await TestBuilder.start({ resumes: true }));
    const events: ClientEvent['type'][] = [];
    const client = connectInBrowser(builder.url, {
      WebSocket: Standard,
      maxBufferedMessages: 3,
      onEvent: ({ type }) => events.push(type),
    });
    const [connection] = await builder.connected();
    for (const index of [0, 1, 2, 3, 4, 5, 6]) builder.sendText(block(5, index));
    await builder.changes.until(() => connection!.closed, 'the client to leave');
    const messages = await take(client, 7);
    assert.deepEqual(
      messages.map((message) => message.kind === 'flashblock' && message.position.index),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.ok(events.includes('slow-reader'));
    assert.equal(client.stats.gaps, 0);
  });

  it('cannot tell why it was refused, and tries again', async () => {
    const builder = use(await TestBuilder.start({ reception: 401 }));
    const reasons: string[] = [];
    const client = connectInBrowser(builder.url, {
      WebSocket: Standard,
      backoffMs: 1,
      onEvent: (event) => {
        if (event.type === 'disconnected') reasons.push(event.reason);
      },
    });
    await builder.changes.until(() => builder.attempts.length >= 2, 'a second try');
    assert.equal(reasons[0], 'no connection: unreachable or refused');
    await client.close();
  });

  it('does not take a message over its bound again and again', async () => {
    const builder = use(await TestBuilder.start());
    const client = connectInBrowser(builder.url, { WebSocket: Standard, maxMessageBytes: 1000 });
    const taken = take(client, 2);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    connection!.sendText(`{"x":"${'x'.repeat(1000)}"}`);
    await assert.rejects(taken, /Max payload size exceeded/);
    assert.equal(builder.attempts.length, 1);
  });

  it('tells what inflates how large a message may become', async () => {
    const builder = use(await TestBuilder.start());
    const bounds: number[] = [];
    const inflate = (_bytes: Uint8Array, maxBytes: number): Uint8Array => {
      bounds.push(maxBytes);
      return new Uint8Array(maxBytes + 1);
    };
    const client = connectInBrowser(builder.url, { WebSocket: Standard, inflate, maxMessageBytes: 1000 });
    const taken = take(client, 1);
    const [connection] = await builder.connected();
    connection!.sendBrotli(block(5, 0));
    assert.deepEqual(
      (await taken).map(({ encoding }) => encoding),
      ['raw'],
    );
    assert.deepEqual(bounds, [1000]);
  });

  it('needs a WebSocket', () => {
    const had = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      assert.throws(() => connectInBrowser('ws://h/'), /no global WebSocket/);
    } finally {
      if (had !== undefined) Object.defineProperty(globalThis, 'WebSocket', had);
    }
  });
});
