import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOperations } from '../../../shared/operations/operations.ts';
import type { Snapshot, StreamPort } from '../../../shared/status/contract.ts';
import { EventStreams, MAX_BEGINNINGS, MAX_PAGES, UNREAD_MS } from '../../../shared/status/event-streams.ts';
import type { FeedEvent, PageFeed } from '../../../shared/status/status-feed.ts';
import { createStatusPage } from '../../../shared/status/status-page.ts';
import { Changes } from '../../support/changes.ts';
import { usesResources } from '../../support/use.ts';

const STREAM: StreamPort = { port: 8545, secure: false };

/** A feed that says what a test tells it to. */
class ScriptedFeed implements PageFeed {
  readonly listeners = new Set<(event: FeedEvent) => void>();
  readonly changes = new Changes();
  readonly #id: string;

  constructor(id = 'one') {
    this.#id = id;
  }

  snapshot(): Snapshot {
    return { boot: 'b', id: this.#id } as Snapshot;
  }

  listen(listener: (event: FeedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      this.changes.notify();
    };
  }

  tell(text: string): void {
    for (const listener of this.listeners) listener({ name: 'second', data: { text } as never });
  }
}

/** A page that does what a test says: a socket that has asked for the events. */
class Page {
  readonly changes = new Changes();
  readonly socket: Socket;
  text = '';
  closed = false;

  constructor(port: number, headers = '') {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.changes.notify();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.changes.notify();
    });
    this.socket.write(`GET /status/events HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  }

  async until(text: string): Promise<this> {
    await this.changes.until(() => this.text.includes(text), `${text} in ${this.text}`);
    return this;
  }

  async ended(): Promise<void> {
    await this.changes.until(() => this.closed, 'the end of the events');
  }
}

/** A response whose page takes as much as a test says. */
class SlowResponse extends EventEmitter {
  writableLength = 0;
  destroyed = false;

  write(text: string): void {
    this.writableLength += text.length;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('status page: what is served', () => {
  const use = usesResources();

  async function start(stream: StreamPort | null = STREAM, feed = new ScriptedFeed()) {
    const folder = await mkdtemp(join(tmpdir(), 'page-'));
    for (const name of ['index.html', 'page.css', 'main.js', 'viewer-worker.js', 'notes.txt'])
      await writeFile(join(folder, name), `the ${name}`);
    const page = createStatusPage({ stream, folder }, feed);
    await page.start();
    const operations = createOperations(
      { metricsAddr: { host: '127.0.0.1', port: 0 } },
      { checks: () => [], status: () => ({}), log: { error: (fields: unknown) => assert.fail(String(fields)) }, page },
    );
    await operations.start();
    use({
      [Symbol.asyncDispose]: async () => {
        page.stop();
        await operations.stop();
        await rm(folder, { recursive: true });
      },
    });
    const { port } = operations.address();
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close' } });
      return { status: response.status, headers: response.headers, body: await response.text() };
    };
    return { page, operations, feed, port, get };
  }

  it('is the page and its files, and nothing else', async () => {
    const { get } = await start();
    const found = [];
    for (const path of ['', '/page.css', '/main.js']) {
      const { status, headers, body } = await get(`/status${path}`);
      found.push([status, headers.get('content-type'), body]);
    }
    assert.deepEqual(found, [
      [200, 'text/html; charset=utf-8', 'the index.html'],
      [200, 'text/css; charset=utf-8', 'the page.css'],
      [200, 'text/javascript; charset=utf-8', 'the main.js'],
    ]);
    for (const path of [
      '/',
      '/index.html',
      '/notes.txt',
      '/%2e%2e/x',
      '/../operations/check.js',
      '/brotli/package.json',
    ])
      assert.equal((await get(`/status${path}`)).status, 404, path);
    assert.equal((await get('/status', 'POST')).status, 405);
  });

  it('answers HEAD with the same head, also for the events', async () => {
    const { get, feed } = await start();
    const head = await get('/status', 'HEAD');
    assert.deepEqual([head.status, head.headers.get('content-length'), head.body], [200, '14', '']);
    const events = await get('/status/events', 'HEAD');
    assert.deepEqual([events.status, events.headers.get('content-type')], [200, 'text/event-stream']);
    assert.equal(feed.listeners.size, 0);
  });

  it('forbids a browser everything that the page does not do', async () => {
    const { get } = await start();
    const { headers } = await get('/status');
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self';.* connect-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
    assert.doesNotMatch(policy, /unsafe|ws:|\*/);
    assert.deepEqual(
      [
        'x-content-type-options',
        'x-frame-options',
        'referrer-policy',
        'cross-origin-resource-policy',
        'cache-control',
      ].map((name) => headers.get(name)),
      ['nosniff', 'DENY', 'no-referrer', 'same-origin', 'no-store'],
    );
  });

  it('lets the worker alone run WebAssembly and reach the one address that it is for', async () => {
    const { get } = await start();
    const worker = async (stream: string) => get(`/status/viewer-worker.js?stream=${encodeURIComponent(stream)}`);
    const { status, headers } = await worker('wss://stream.example:8545');
    assert.equal(status, 200);
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' wss:\/\/stream\.example:8545; /,
    );
    assert.equal((await worker('ws://[::1]:8545')).status, 200);
    for (const hostile of [
      '',
      'ws:',
      'ws://*',
      'https://stream.example',
      'ws://a b',
      "ws://a; script-src 'unsafe-inline'",
      'ws://a\r\nX: 1',
      'ws://user@a',
      'ws://a/path',
      'ws://a:99999',
    ])
      assert.equal((await worker(hostile)).status, 400, hostile);
  });

  it('has the decoder only where the process serves the stream', async () => {
    const brotli = '/status/brotli/pkg.web/brotli_wasm_bg.wasm';
    const edge = await start();
    const wasm = await edge.get(brotli);
    assert.deepEqual([wasm.status, wasm.headers.get('content-type')], [200, 'application/wasm']);
    const ingest = await start(null);
    assert.equal((await ingest.get(brotli)).status, 404);
    assert.equal((await ingest.get('/status/viewer-worker.js?stream=ws://a')).status, 404);
    assert.equal((await ingest.get('/status')).status, 200);
  });
});

describe('status page: its events', () => {
  const use = usesResources();

  async function start(feed = new ScriptedFeed()) {
    const page = createStatusPage({ stream: null, folder: import.meta.dirname }, feed);
    const operations = createOperations(
      { metricsAddr: { host: '127.0.0.1', port: 0 } },
      { checks: () => [], status: () => ({}), log: { error: (fields: unknown) => assert.fail(String(fields)) }, page },
    );
    await operations.start();
    const pages: Page[] = [];
    use({
      [Symbol.asyncDispose]: async () => {
        for (const { socket } of pages) socket.destroy();
        page.stop();
        await operations.stop();
      },
    });
    const open = (headers?: string) => {
      const one = new Page(operations.address().port, headers);
      pages.push(one);
      return one;
    };
    return { page, feed, open };
  }

  it('begin with a snapshot, also for one that comes again, and go on with what happens', async () => {
    const { feed, open } = await start();
    for (const headers of ['', 'Last-Event-ID: 7\r\n']) {
      const page = await open(headers).until('event: snapshot\ndata: {"boot":"b","id":"one"}\n\n');
      feed.tell('news');
      await page.until('event: second\ndata: {"text":"news"}\n\n');
      page.socket.destroy();
    }
  });

  it('carry hostile text as text: nothing in it ends an event', async () => {
    const hostile = '</script><img src=x onerror=alert(1)>\n\nevent: second\ndata: {}\r\u2028';
    const { open } = await start(new ScriptedFeed(hostile));
    const page = await open().until('\n\n');
    const data = /^data: ([^\r\n]*)/m.exec(page.text)?.[1] ?? '';
    assert.deepEqual(JSON.parse(data), { boot: 'b', id: hostile });
    assert.doesNotMatch(page.text, /^event: second/m);
  });

  it(`go to ${MAX_PAGES} pages; one more is told to come again, and gets the place of one that left`, async () => {
    const { feed, open } = await start();
    const pages = Array.from({ length: MAX_PAGES }, () => open());
    for (const page of pages) await page.until('event: snapshot');
    const refused = await open().until('\r\n\r\n');
    assert.match(refused.text, /^HTTP\/1\.1 503 .*Retry-After: 10\r\n/s);
    for (const { socket } of pages) socket.destroy();
    await feed.changes.until(() => feed.listeners.size === 0, 'the end of the listening');
    await open().until('event: snapshot');
  });

  it(`begin for ${MAX_BEGINNINGS} pages within a second; one more is told to come again`, () => {
    const feed = new ScriptedFeed();
    let now = 0;
    const streams = new EventStreams(feed, () => now);
    const comeAndGo = () => {
      const response = new SlowResponse();
      streams.add(response as unknown as ServerResponse);
      const { destroyed } = response;
      response.destroy();
      return !destroyed;
    };
    for (let page = 0; page < MAX_BEGINNINGS; page += 1) {
      now = 10 * page;
      assert.equal(comeAndGo(), true);
    }
    assert.deepEqual([streams.full, comeAndGo(), streams.size], [true, false, 0]);
    now = 1000;
    assert.deepEqual([comeAndGo(), streams.full], [true, true]);
    now = 1010;
    assert.equal(streams.full, false);
    streams.stop();
  });

  it('do not go to other sites', async () => {
    const { open } = await start();
    assert.match((await open('Sec-Fetch-Site: cross-site\r\n').until('\r\n\r\n')).text, /^HTTP\/1\.1 403 /);
    await open('Sec-Fetch-Site: same-origin\r\n').until('event: snapshot');
  });

  it('end for a page that does not read, and go on for the others', async () => {
    const { feed, open } = await start();
    const slow = await open().until('event: snapshot');
    slow.socket.pause();
    const other = await open().until('event: snapshot');
    for (let count = 0; count < 400; count += 1) {
      feed.tell('x'.repeat(65_536));
      // The one that reads is let read.
      await new Promise(setImmediate);
      other.text = '';
    }
    slow.socket.resume();
    await slow.ended();
    assert.equal(other.closed, false);
    feed.tell('still here');
    await other.until('still here');
  });

  it('end for a page that takes nothing for long, not for one that takes little', () => {
    const feed = new ScriptedFeed();
    let now = 0;
    const streams = new EventStreams(feed, () => now);
    const [unread, slow] = [new SlowResponse(), new SlowResponse()];
    for (const response of [unread, slow]) streams.add(response as unknown as ServerResponse);
    for (; now <= UNREAD_MS; now += 1000) {
      assert.equal(unread.destroyed, false);
      slow.writableLength -= 1;
      feed.tell('news');
    }
    slow.writableLength -= 1;
    feed.tell('news');
    assert.deepEqual([unread.destroyed, slow.destroyed], [true, false]);
    streams.stop();
  });

  it('end when the process stops', async () => {
    const { page, feed, open } = await start();
    const one = await open().until('event: snapshot');
    page.stop();
    page.stop();
    await one.ended();
    assert.equal(feed.listeners.size, 0);
  });
});
