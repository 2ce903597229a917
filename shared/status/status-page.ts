/**
 * The status page's routes on the operations server:
 *
 *     /status                         the page
 *     /status/events                  its server-sent events
 *     /status/NAME                    its modules and style
 *     /status/viewer-worker.js?stream=ORIGIN, /status/brotli/...
 *                                     what connects a browser to the stream; only where the process serves it
 */
import { readFile, readdir } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { type Answer, type Route, type Streamed, json } from '../operations/answer.ts';
import type { StreamPort } from './contract.ts';
import { EventStreams } from './event-streams.ts';
import { PAGE_HEADERS, isStreamOrigin, workerHeaders } from './page-headers.ts';
import type { PageFeed } from './status-feed.ts';

export interface StatusPageOptions {
  /** `null` where the process serves no clients. */
  readonly stream: StreamPort | null;
  /** Folder of the page's files; tests hand in their own. */
  readonly folder?: string;
}

/** What the operations server serves for the page. */
export interface StatusPage {
  readonly routes: ReadonlyMap<string, Route>;
  /** Reads the page's files. */
  start(): Promise<void>;
  /** Ends the pages' connections. Idempotent. */
  stop(): void;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const WORKER = 'viewer-worker.js';
/** The browser's side of the brotli package; a megabyte that is read only when a page connects to the stream. */
const BROTLI_FILES = ['index.web.js', 'pkg.web/brotli_wasm.js', 'pkg.web/brotli_wasm_bg.wasm'];

function typeOf(name: string): string | undefined {
  return TYPES[extname(name)];
}

function answer(name: string, body: Buffer, headers = PAGE_HEADERS): Answer {
  return { status: 200, type: typeOf(name) ?? 'application/octet-stream', body, headers };
}

/** The origin that the worker is to connect to comes with its address, as its policy has to name it. */
function workerAnswer(body: Buffer, request: IncomingMessage): Answer {
  const origin = new URLSearchParams(request.url?.split('?')[1]).get('stream') ?? '';
  if (!isStreamOrigin(origin)) return json(400, { message: 'stream is not ws://host:port or wss://host:port' });
  return answer(WORKER, body, workerHeaders(origin));
}

/** A foreign site cannot read the events, but could take the places of those who may. */
function eventsAnswer(streams: EventStreams, request: IncomingMessage): Answer | Streamed {
  if (request.headers['sec-fetch-site'] === 'cross-site') return json(403, { message: 'Not for other sites' });
  if (streams.full) {
    const refusal = json(503, { message: 'Too many pages are connected, or connect at once' });
    return { ...refusal, headers: { 'Retry-After': '10' } };
  }
  return { type: 'text/event-stream', headers: PAGE_HEADERS, open: (response) => streams.add(response) };
}

/** Serves the page over a feed. */
export function createStatusPage(options: StatusPageOptions, feed: PageFeed): StatusPage {
  const streams = new EventStreams(feed);
  const routes = new Map<string, Route>([['/status/events', (request) => eventsAnswer(streams, request)]]);
  const folder = options.folder ?? join(import.meta.dirname, 'page');
  return {
    routes,
    async start() {
      for (const name of await readdir(folder)) {
        if (typeOf(name) === undefined) continue;
        const body = await readFile(join(folder, name));
        if (name === WORKER) {
          if (options.stream !== null) routes.set(`/status/${name}`, (request) => workerAnswer(body, request));
        } else routes.set(name === 'index.html' ? '/status' : `/status/${name}`, () => answer(name, body));
      }
      if (options.stream === null) return;
      const brotli = dirname(createRequire(import.meta.url).resolve('brotli-wasm'));
      for (const name of BROTLI_FILES)
        routes.set(`/status/brotli/${name}`, async () => answer(name, await readFile(join(brotli, name))));
    },
    stop() {
      streams.stop();
    },
  };
}
