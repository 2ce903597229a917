import { BackplaneUnavailableError } from '../backplane.ts';
import { BEAT_MS, every } from '../../every.ts';
import type { RedisMetrics } from '../../metrics/redis-metrics.ts';
import type { RedisClient } from './connect.ts';
import { StateError, UnfitServerError, isReplyError, reasonOf } from './errors.ts';
import type { LimitedLog } from './limited-log.ts';
import { namesAnotherServer, type Reconnects } from './reconnects.ts';

/**
 * Deadlines are counted in ticks of a timer and not by a clock: time in which this process stood still is then one tick,
 * after which its sockets are read before the next (upstream-and-stream: "Connection to an upstream").
 */
const TICK_MS = BEAT_MS;
/** A connection is asked for a sign of life this often. */
const CHECK_EVERY_TICKS = 5;
/**
 * Questions are put whether or not the one before is answered, so that a slow Redis answers as often as a fast one. When no
 * answer came for this long, none comes any more.
 */
const SILENT_TICKS = 14;
/** A slow Redis takes a while to make a fresh connection ready, and to the first answer after that. */
const FIRST_ANSWER_TICKS = 30;
/** Greeting, authentication and the wait for a primary that loads its data may take this long before it is tried anew. */
const HANDSHAKE_TICKS = 30;
/** How long `start` waits for the first attempt to end before it goes on without. */
const START_TICKS = 30;
/** Pause after a connection that could not be made ready, or that ended for good. */
const RETRY_TICKS = 10;

export interface ConnectionOptions {
  /** For the log: `commands` or `subscription`. */
  readonly name: string;
  readonly client: RedisClient;
  /** Those that the client was made with. */
  readonly reconnects: Reconnects;
  /** Done on every new connection before it counts as available. */
  readonly prepare: () => Promise<unknown>;
  /** Asks the peer for a sign of life. */
  readonly check: () => Promise<unknown>;
  /** Told every change, and never the same twice in a row. */
  readonly onAvailable: (available: boolean) => void;
  readonly log: LimitedLog;
  readonly metrics: RedisMetrics;
}

/**
 * One connection to Redis with an owner: keeps it alive, notices its death, and tells when it works. Commands run through
 * {@link run}; they fail at once while it does not.
 */
export class RedisConnection {
  readonly #options: ConnectionOptions;
  /** While it is started. */
  #endTicks: (() => void) | undefined;
  #available = false;
  /** Rises with every connection and loss, so that a late answer of an earlier one is known as such. */
  #generation = 0;
  #connectedOnce = false;
  #prepared = false;
  /** Ticks that the making ready of the connection has taken; `undefined` when none is under way. */
  #preparing: number | undefined;
  /** Ticks without an answer that are left to the connection, once it is ready. */
  #ticksOfSilence = 0;
  #ticksToCheck = 0;
  #ticksInHandshake = 0;
  #ticksToRetry: number | undefined;
  /** The connection works and leads to a server that is not the right one; `undefined`: as far as is known it is. */
  #ticksToRenewal: number | undefined;
  #startTicks = 0;
  #settleStart: ((error?: UnfitServerError) => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { client } = options;
    client.on('ready', () => this.#ready());
    client.on('close', () => this.#lost());
    client.on('end', () => (this.#ticksToRetry = RETRY_TICKS));
    client.on('error', (error: Error) => {
      options.reconnects.failed(error);
      this.#report(error);
      this.#settleStart?.();
    });
    client.on('node error', (error: Error) => this.#report(error));
  }

  get available(): boolean {
    return this.#available;
  }

  /**
   * Connects. Resolves when the connection works or its first attempt has failed; attempts then go on.
   *
   * @throws UnfitServerError
   */
  async start(): Promise<void> {
    if (this.#endTicks !== undefined) return;
    this.#endTicks = every(TICK_MS, () => this.#tick());
    const settled = new Promise<void>((resolve, reject) => {
      this.#settleStart = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#connect();
    await settled;
  }

  /** Idempotent; leaves no handle open. Commands in flight fail. */
  stop(): void {
    this.#endTicks?.();
    this.#endTicks = undefined;
    this.#settleStart?.();
    this.#setAvailable(false);
    if (this.#options.client.status !== 'end') this.#options.client.disconnect();
  }

  /** Ends the connection and makes a new one. */
  renew(): void {
    this.#setAvailable(false);
    this.#preparing = undefined;
    if (this.#endTicks !== undefined) this.#options.client.disconnect(true);
  }

  /**
   * Runs a command and measures it.
   *
   * @throws BackplaneUnavailableError when there is no connection, or no answer, or an answer that is
   *   an error or cannot be read
   */
  async run<T>(command: string, send: () => Promise<T>): Promise<T> {
    if (!this.#available) throw new BackplaneUnavailableError(`${command}: Redis is not available`);
    const stopTimer = this.#options.metrics.commandDuration.startTimer({ command });
    try {
      return await send();
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      if (!isReplyError(error) && !(error instanceof StateError))
        throw new BackplaneUnavailableError(`${command}: the answer is lost`);
      // An error such as OOM or NOREPLICAS lasts; the owner's next check that succeeds makes it worth another try.
      this.#report(error);
      this.#setAvailable(false);
      if (namesAnotherServer(error)) this.#renewInTime();
      throw new BackplaneUnavailableError(`${command}: ${reasonOf(error)}`);
    } finally {
      stopTimer();
    }
  }

  #connect(): void {
    this.#ticksInHandshake = 0;
    // Failures come as events too, which tell more.
    this.#options.client.connect().catch(() => this.#settleStart?.());
  }

  #ready(): void {
    if (this.#endTicks === undefined) return;
    if (this.#connectedOnce) this.#options.metrics.reconnects.inc();
    this.#connectedOnce = true;
    this.#prepared = false;
    this.#ticksOfSilence = 0;
    this.#ticksToRetry = undefined;
    this.#ticksToRenewal = undefined;
    this.#generation += 1;
    this.#prepare();
  }

  #lost(): void {
    this.#generation += 1;
    this.#preparing = undefined;
    this.#ticksToRenewal = undefined;
    this.#prepared = false;
    this.#setAvailable(false);
    this.#settleStart?.();
  }

  #prepare(): void {
    this.#preparing = 0;
    this.#ask(this.#options.prepare, FIRST_ANSWER_TICKS);
  }

  /** Puts a question to the peer; its answer makes the connection available for so many ticks. */
  #ask(question: () => Promise<unknown>, ticks: number): void {
    const generation = this.#generation;
    this.#ticksToCheck = CHECK_EVERY_TICKS;
    question().then(
      () => {
        if (generation === this.#generation) this.#answered(ticks);
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#failed(error);
      },
    );
  }

  #answered(ticks: number): void {
    this.#preparing = undefined;
    this.#ticksOfSilence = ticks;
    this.#ticksToRenewal = undefined;
    this.#prepared = true;
    this.#options.reconnects.worked();
    this.#setAvailable(true);
    this.#settleStart?.();
  }

  #failed(error: unknown): void {
    this.#preparing = undefined;
    this.#ticksOfSilence = Math.max(this.#ticksOfSilence, SILENT_TICKS);
    this.#setAvailable(false);
    if (this.#endTicks === undefined) return;
    this.#report(error);
    this.#settleStart?.(error instanceof UnfitServerError ? error : undefined);
    if (namesAnotherServer(error)) this.#renewInTime();
    // The connection still carries answers: ask again in a while. What was not made ready begins anew instead.
    if (isReplyError(error) || error instanceof StateError) return;
    if (this.#prepared) this.renew();
    else this.#ticksToRetry = RETRY_TICKS;
  }

  /** Another server may be meant; this one is asked on meanwhile, as it may become the right one. */
  #renewInTime(): void {
    this.#ticksToRenewal ??= Math.ceil(this.#options.reconnects.nextRenewalMs() / TICK_MS);
  }

  #tick(): void {
    this.#startTicks += 1;
    if (this.#startTicks === START_TICKS) this.#settleStart?.();
    if (this.#ticksToRetry !== undefined) {
      this.#ticksToRetry -= 1;
      if (this.#ticksToRetry > 0) return;
      this.#ticksToRetry = undefined;
      this.#retry();
      return;
    }
    if (this.#ticksToRenewal !== undefined) {
      this.#ticksToRenewal -= 1;
      if (this.#ticksToRenewal <= 0) {
        this.#ticksToRenewal = undefined;
        this.renew();
        return;
      }
    }
    const { status } = this.#options.client;
    this.#ticksInHandshake = status === 'connect' ? this.#ticksInHandshake + 1 : 0;
    if (this.#ticksInHandshake > HANDSHAKE_TICKS) {
      this.#ticksInHandshake = 0;
      this.#unanswered();
    } else if (this.#preparing !== undefined) {
      this.#preparing += 1;
      if (this.#preparing > FIRST_ANSWER_TICKS) this.#unanswered();
    } else if (status === 'ready') {
      this.#ticksToCheck -= 1;
      this.#ticksOfSilence -= 1;
      if (this.#prepared && this.#ticksOfSilence < 0) this.#unanswered();
      else if (this.#ticksToCheck <= 0 && this.#prepared) this.#ask(this.#options.check, SILENT_TICKS);
      else if (this.#ticksToCheck <= 0) this.#prepare();
    }
  }

  #retry(): void {
    if (this.#options.client.status === 'end') this.#connect();
    else if (this.#options.client.status === 'ready' && !this.#available) this.renew();
  }

  #unanswered(): void {
    this.#options.log.warn({ connection: this.#options.name }, 'Redis does not answer');
    this.#generation += 1;
    this.renew();
  }

  #setAvailable(available: boolean): void {
    if (available === this.#available) return;
    this.#available = available;
    const { log, name, onAvailable } = this.#options;
    if (available) log.changed('info', { connection: name }, 'Redis is available');
    else if (this.#endTicks !== undefined) log.changed('warn', { connection: name }, 'Redis is not available');
    onAvailable(available);
  }

  #report(error: unknown): void {
    if (this.#endTicks === undefined) return;
    this.#options.log.warn({ connection: this.#options.name, reason: reasonOf(error) }, 'Redis failed');
  }
}
