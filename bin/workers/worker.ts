/** A worker: a whole edge that is told by its primary what to do, and tells it how it is. */
import { EventEmitter } from 'node:events';
import type { Edge } from '../../edge/edge.ts';
import type { Envelope } from '../../shared/envelope.ts';
import { every } from '../../shared/every.ts';
import { createLogger } from '../../shared/log.ts';
import type { StreamMessage } from '../../shared/status/stream-history.ts';
import { createRedisEdge, edgeIdentity } from '../edge-service.ts';
import { Instruments } from '../instruments.ts';
import { type HostProcess, type Lifecycle, serve } from '../serve.ts';
import { type Order, REPORT_EVERY_MS, type Word } from './messages.ts';
import { readPageMetrics } from './page-metrics.ts';
import { WorkerPlaces } from './worker-places.ts';

type Begin = Extract<Order, { kind: 'begin' }>;

/** The primary as a worker sees it. */
export interface PrimaryLink {
  /** Resolves when the word is on its way, or can never be. */
  say(word: Word): Promise<void>;
  onOrder(listener: (order: Order) => void): void;
}

/** What `serve` uses of a process, with the primary's orders in place of signals. */
class OrderedHost extends EventEmitter implements HostProcess {
  readonly #process: HostProcess;

  constructor(process: HostProcess) {
    super();
    this.#process = process;
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      process.on(event, (error: unknown) => this.emit(event, error));
    }
  }

  exit(code: number): void {
    this.#process.exit(code);
  }

  getActiveResourcesInfo(): string[] {
    return this.#process.getActiveResourcesInfo();
  }
}

/**
 * Serves until the primary says that it stops.
 *
 * @returns the exit status
 */
export async function runWorker(begin: Begin, link: PrimaryLink, host: HostProcess): Promise<number> {
  const { number, settings } = begin;
  const log = createLogger(settings).child({ worker: number });
  const instruments = new Instruments(edgeIdentity(settings), settings, log);
  const { registry, stall } = instruments;
  const say = (word: Word): void => void link.say(word);
  const tellMetrics = async (): Promise<void> => {
    await link.say({ kind: 'metrics', metrics: await registry.getMetricsAsJSON() });
  };
  const places = new WorkerPlaces(say);
  const onMessage = (envelope: Envelope, lostBefore: number): void => {
    if (settings.statusPage) say({ kind: 'message', message: pageMessage(envelope), lostBefore });
  };
  let edge: Edge;
  try {
    edge = createRedisEdge(settings, { registry, stall, log, places, onMessage });
  } catch (error) {
    log.fatal({ err: error }, 'start failed');
    await link.say({ kind: 'failed', reason: messageOf(error) });
    return 1;
  }
  const report = async (): Promise<void> => {
    const pageMetrics = settings.statusPage ? await readPageMetrics(registry) : [];
    say({ kind: 'report', report: { checks: edge.checks(), status: { ...edge.status() }, pageMetrics } });
  };
  const endReports = every(REPORT_EVERY_MS, () => void report());

  const program: Lifecycle = {
    async start() {
      await instruments.start('edge', [edge]);
      edge.onListening(() => {
        say({ kind: 'listening' });
        void report();
      });
      try {
        await edge.start();
      } catch (error) {
        say({ kind: 'failed', reason: messageOf(error) });
        throw error;
      }
      await report();
    },
    reload: () => edge.reload(),
    async stop() {
      await edge.stop();
      endReports();
      await instruments.stop();
      await tellMetrics();
    },
  };

  const signals = new OrderedHost(host);
  link.onOrder((order) => {
    switch (order.kind) {
      case 'begin':
        break;
      case 'stop':
        signals.emit('SIGTERM', 'SIGTERM');
        break;
      case 'reload':
        signals.emit('SIGHUP', 'SIGHUP');
        break;
      case 'measure':
        void tellMetrics();
        break;
      case 'granted':
        places.granted(order.places);
        break;
      default:
        order satisfies never;
    }
  });
  return serve(program, log, signals);
}

/** What the page looks at, of the payload its size alone. */
function pageMessage(envelope: Envelope): StreamMessage {
  const { position, payloadId, receivedAtMs, plainLength, payloadEncoding, restart, payload } = envelope;
  return {
    ...(position !== undefined && { position }),
    ...(payloadId !== undefined && { payloadId }),
    ...{ receivedAtMs, plainLength, payloadEncoding, restart },
    payload: { length: payload.length },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
