/** When a connection that is lost, refused or of no use is made anew. */
import type { RedisMode } from '../../config/formats/redis-url.ts';
import { isReplyError } from './errors.ts';

/** First pause before a reconnect, and the longest: Redis' return is to be seen well within a second. */
const MIN_MS = 50;
const MAX_MS = 500;

/** Longest pause where the server answers and refuses: it is there, and somebody has to set it or this program right. */
const REFUSED_MAX_MS = 5000;

/** Behind Sentinels or in a Cluster a refusal may come from a server that is about to be replaced: a failover takes seconds. */
const FAILOVER_MAX_MS = 500;

/** Pause between two visits to a server that takes no writes, after the first one which is at once. */
const RENEWAL_MIN_MS = 500;

/** What a server answers when another one may be meant: the address may lead there by now. */
const ANOTHER_SERVER = /^(READONLY|MOVED|CLUSTERDOWN|MASTERDOWN|NOAUTH)\b/;

/** Whether a connection made anew may lead to a server that answers otherwise. */
export function namesAnotherServer(error: unknown): boolean {
  return isReplyError(error) && ANOTHER_SERVER.test(error.message);
}

/** Paces the reconnects of one connection. */
export class Reconnects {
  readonly #refusedMaxMs: number;
  #refused = false;
  #renewals = 0;

  constructor(mode: RedisMode) {
    this.#refusedMaxMs = mode === 'standalone' ? REFUSED_MAX_MS : FAILOVER_MAX_MS;
  }

  /** Why the last attempt failed. An answer such as WRONGPASS will be the same the next time. */
  failed(error: unknown): void {
    this.#refused = isReplyError(error);
  }

  /** The connection works. */
  worked(): void {
    this.#refused = false;
    this.#renewals = 0;
  }

  /** Pause in milliseconds before the attempt of that number, with jitter so that the edges of a fleet do not come at once. */
  delayMs(attempt: number): number {
    const ceiling = Math.min(MIN_MS * 2 ** (attempt - 1), this.#refused ? this.#refusedMaxMs : MAX_MS);
    return ceiling / 2 + (Math.random() * ceiling) / 2;
  }

  /** Pause in milliseconds before a working connection that leads to the wrong server is made anew; it grows with each. */
  nextRenewalMs(): number {
    this.#renewals += 1;
    return this.#renewals === 1 ? 0 : Math.min(RENEWAL_MIN_MS * 2 ** (this.#renewals - 2), this.#refusedMaxMs);
  }
}
