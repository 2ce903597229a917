import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { BenchReport } from '../../../tools/bench/report.ts';
import { bench } from '../../../tools/bench/run.ts';
import { SimulatedChain } from '../../../tools/simulate/chain.ts';
import { monotonicMs, stampMessage } from '../../../tools/stamp.ts';
import { Changes } from '../../support/changes.ts';
import { MemoryIo } from '../../support/memory-io.ts';
import { usesResources } from '../../support/use.ts';

const chain = new SimulatedChain({ seed: 9 });
const SECRET = 'hunter2-of-the-url';

/** A server whose messages a test sends client by client, each time when the load test measures. */
class TestServer implements AsyncDisposable {
  readonly clients: WebSocket[] = [];
  readonly changes = new Changes();
  readonly requests: { readonly url: string; readonly key: string | undefined }[] = [];
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #sent: Buffer[] = [];
  #pings = 0;

  private constructor(refuse: boolean) {
    this.#http = createServer();
    this.#http.on('upgrade', (request, socket, head) => {
      this.requests.push({ url: request.url ?? '', key: [request.headers['x-api-key']].flat()[0] });
      if (refuse) {
        socket.end('HTTP/1.1 429 Too Many Requests\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        this.clients.push(client);
        client.on('ping', () => {
          this.#pings++;
          this.changes.notify();
        });
      });
    });
  }

  static async start({ refuse = false } = {}): Promise<TestServer> {
    const server = new TestServer(refuse);
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/ws/${SECRET}`;
  }

  /** Waits until the load test measures, which shows by pings of its clients. */
  async measured(clients: number): Promise<void> {
    await this.changes.until(() => this.clients.length === clients, 'clients');
    // Measuring begins half a second after the last client; each pings every 100 ms.
    const from = this.#pings;
    await this.changes.until(() => this.#pings >= from + 8 * clients, 'pings');
  }

  /** Sends the message of an index to some clients. */
  send(index: number, ...to: number[]): void {
    this.#sent[index] = stampMessage(chain.message({ blockNumber: 5, index }), monotonicMs());
    this.sendAgain(index, ...to);
  }

  /** Sends the same bytes once more. */
  sendAgain(index: number, ...to: number[]): void {
    for (const client of to) this.clients[client]?.send(this.#sent[index] ?? '');
  }

  /** Waits until clients have read what they were sent: they answer a ping behind it. The load numbers messages as it sees them first. */
  async read(): Promise<void> {
    await Promise.all(
      this.clients.map((client) => {
        client.ping();
        return once(client, 'pong');
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.terminate();
    this.#http.closeAllConnections();
    await once(this.#http.close(), 'close');
  }
}

describe('flashcast bench', () => {
  const use = usesResources();

  it('measures what all clients get, and ends with 0', async () => {
    const server = use(await TestServer.start());
    const io = new MemoryIo();
    const ended = bench([server.url, '--clients', '3', '--count', '2', '--ping', '100ms', '--json'], io);
    await server.measured(3);
    for (const index of [0, 1]) server.send(index, 0, 1, 2);
    assert.equal(await ended, 0, io.err);
    const report = JSON.parse(io.out) as BenchReport;
    assert.deepEqual(
      [report.connected, report.messages, report.deliveries, report.lost, report.repeated],
      [3, 2, 6, 0, 0],
    );
    assert.deepEqual([report.positions_read, report.order_broken, report.failures], [2, 0, []]);
    assert.equal(report.latency_ms?.count, 6);
    assert.equal(report.last_latency_ms?.count, 2);
    assert.equal(report.spread_ms?.count, 6);
    assert.ok(report.pongs > 0 && (report.pong_ms?.count ?? 0) === report.pongs);
    assert.ok(!(io.out + io.err).includes(SECRET));
  });

  it('ends with 1 and says what was lost, what came again and who left', async () => {
    const server = use(await TestServer.start());
    const io = new MemoryIo();
    const ended = bench([server.url, '--clients', '3', '--count', '3', '--ping', '100ms'], io);
    await server.measured(3);
    server.send(0, 0, 1, 2);
    await server.read();
    server.send(1, 0, 2);
    server.sendAgain(0, 1);
    await server.read();
    server.send(2, 0, 1);
    server.clients[2]?.close(1013);
    assert.equal(await ended, 1);
    assert.deepEqual(io.err.split('\n'), [
      'flashcast bench: 1 disconnected (1 x closed with 1013), 0 allowed',
      'flashcast bench: 1 lost, 0 allowed',
      'flashcast bench: 1 repeated, 0 allowed',
      '',
    ]);
    assert.match(io.out, /^messages {5}3 in /m);
  });

  it('allows what it is told to allow', async () => {
    const server = use(await TestServer.start());
    const io = new MemoryIo();
    const limits = ['--max-lost', '1', '--max-repeated', '1', '--max-disconnects', '1'];
    const ended = bench([server.url, '--clients', '2', '--count', '2', '--ping', '100ms', ...limits], io);
    await server.measured(2);
    server.send(0, 0, 1);
    server.sendAgain(0, 0);
    server.send(1, 0);
    assert.equal(await ended, 0, io.err);
    assert.match(io.out, /^lost {9}1, repeated 1; /m);
  });

  it('sends the key in a header, asks for the encoding, and shows no part of the URL', async () => {
    const server = use(await TestServer.start({ refuse: true }));
    const io = new MemoryIo();
    assert.equal(await bench([server.url, '--clients', '2', '--key', 'hunter2-key', '--encoding', 'br'], io), 1);
    assert.deepEqual(server.requests[0], { url: `/ws/${SECRET}?encoding=br`, key: 'hunter2-key' });
    assert.equal(io.err, 'flashcast bench: nobody connected (2 x HTTP 429)\n');
    assert.doesNotMatch(io.out, /hunter2/);
  });

  it('tells what it has when it is interrupted', async () => {
    const server = use(await TestServer.start());
    const io = new MemoryIo();
    const ended = bench([server.url, '--clients', '2', '--ping', '100ms', '--duration', '60m', '--threads', '2'], io);
    await server.measured(2);
    server.send(0, 0, 1);
    io.interrupt();
    assert.equal(await ended, 130);
    assert.match(io.out, /^clients {6}2 of 2 connected/);
  });

  for (const [argv, problem] of [
    [[], /expected the URL of a stream/],
    [['ws://example.com/ws'], /the server is not on this machine/],
    [['ws://127.0.0.1.example.com/ws'], /the server is not on this machine/],
    [['http://127.0.0.1/ws'], /expected a ws:\/\/ URL, received http:/],
    [
      ['ws://127.0.0.1/ws', '--ping', '500'],
      /--ping: expected a time up to 60m with its unit: 500ms, 30s, 15m, received "500"/,
    ],
    [['ws://127.0.0.1/ws', '--clients', '1000000'], /--clients: 1000000 need more open files than the /],
    [['ws://127.0.0.1/ws', '--key', 'a b'], /--key: expected a key without spaces/],
  ] as const) {
    it(`refuses ${JSON.stringify(argv)}`, async () => {
      const io = new MemoryIo();
      assert.equal(await bench(argv, io), 2);
      assert.match(io.err, problem);
    });
  }

  it('prints its flags and exit status for --help', async () => {
    const io = new MemoryIo();
    assert.equal(await bench(['--help'], io), 0);
    assert.match(io.out, /--ping TIME[^]*--max-lost N[^]*Exit status/);
  });
});
