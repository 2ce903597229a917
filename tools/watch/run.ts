import { connect, ClientError, type ClientEvent, type FlashcastClient, type ResumePoint } from '../../client/node.ts';
import { Recorder, type RecordedFrame } from '../recording.ts';
import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';
import { Deadline } from './deadline.ts';
import { FactsReader } from './facts.ts';
import { readWatchCommand, USAGE, type WatchOptions } from './options.ts';
import { LineOutput, TableOutput, type Output } from './output.ts';
import { PositionFile, readPosition } from './position-file.ts';
import { Intervals, summarize } from './summary.ts';

/** 128 and the number of SIGPIPE, as of a process that dies of it. */
const READER_GONE_STATUS = 141;
/** 128 and the number of SIGINT. */
const INTERRUPTED_STATUS = 130;
/** What waits for a slow reader of the output; past it the server is not read. */
const MAX_BUFFERED = { maxBufferedMessages: 64, maxBufferedBytes: 8 * 1024 * 1024 };
/** Frames past this are no flashblocks. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Why a watch came to its end. */
type End = 'counted' | 'interrupted' | 'failed' | 'reader-gone';

/** `flashcast watch URL`: resolves with the exit status. */
export function runWatch(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => watch(argv, io));
}

/** {@link runWatch} on given streams. */
export async function watch(argv: readonly string[], io: ToolIo): Promise<number> {
  const command = readWatchCommand(argv);
  if (command.kind === 'refused') return refuseUsage(io, 'watch', command.problems);
  if (command.kind === 'help') {
    io.stdout.write(USAGE);
    return 0;
  }
  const { resume, record } = command.options;
  const opened: { point?: ResumePoint; recorder?: Recorder } = {};
  const problems: string[] = [];
  try {
    const point = resume === undefined ? undefined : await readPosition(resume);
    if (point !== undefined) opened.point = point;
  } catch (error) {
    problems.push(`--resume: the file ${(error as Error).message}`);
  }
  try {
    if (record !== undefined && problems.length === 0) opened.recorder = await Recorder.create(record);
  } catch (error) {
    problems.push(`--record: ${(error as Error).message}`);
  }
  if (problems.length > 0) return refuseUsage(io, 'watch', problems);
  try {
    return await new Watch(command.options, io, opened).run();
  } finally {
    await opened.recorder?.close();
  }
}

/** One watch from its first dial to its summary. */
class Watch {
  readonly #options: WatchOptions;
  readonly #io: ToolIo;
  readonly #recorder: Recorder | undefined;
  readonly #positions: PositionFile | undefined;
  readonly #facts = new FactsReader();
  readonly #intervals = new Intervals();
  readonly #beganAt = performance.now();
  /** The reader of a pipe may go away at any time (`| head`); that ends the watch and is no failure. */
  readonly #readerGone = new AbortController();
  readonly #silence: Deadline;
  readonly #output: Output;
  readonly #table: TableOutput | undefined;
  readonly #client: FlashcastClient;
  #firstAt: number | undefined;
  #failure: string | undefined;

  constructor(
    options: WatchOptions,
    io: ToolIo,
    opened: { readonly point?: ResumePoint; readonly recorder?: Recorder },
  ) {
    this.#options = options;
    this.#io = io;
    this.#recorder = opened.recorder;
    if (options.resume !== undefined)
      this.#positions = new PositionFile(options.resume, ({ message }) => this.#fail(`--resume: ${message}`));
    const { terminal } = io;
    const after = (ms: number, callback: () => void): (() => void) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    };
    this.#table =
      terminal === undefined || options.json || options.lines
        ? undefined
        : new TableOutput({ io: { ...io, terminal }, host: options.url.host, client: () => this.#client, after });
    this.#output = this.#table ?? new LineOutput(io, options.json, this.#readerGone.signal);
    this.#silence = new Deadline(options.timeoutMs, () => this.#fail(`no message within ${options.timeoutMs} ms`));
    io.stdout.on('error', this.#onOutputError);
    this.#client = connect(options.url, {
      ...MAX_BUFFERED,
      maxMessageBytes: MAX_FRAME_BYTES,
      ...(options.encoding !== undefined && { encoding: options.encoding }),
      ...(opened.point !== undefined && { resume: opened.point }),
      snapshot: options.snapshot,
      reconnect: options.reconnect,
      signal: AbortSignal.any([io.interrupted, this.#readerGone.signal]),
      onEvent: this.#onEvent,
    });
  }

  async run(): Promise<number> {
    let end: End;
    try {
      this.#table?.start();
      end = await this.#follow();
    } finally {
      this.#silence.cancel();
      this.#output.end();
      await this.#client.close();
      await this.#positions?.flush();
      this.#io.stdout.off('error', this.#onOutputError);
    }
    if (end === 'reader-gone') return READER_GONE_STATUS;
    const { stats } = this.#client;
    const say = (text: string): unknown => this.#io.stderr.write(`flashcast watch: ${text}\n`);
    if (this.#failure !== undefined) say(`${this.#options.url.host}: ${this.#failure}`);
    const seconds = (performance.now() - this.#beganAt) / 1000;
    if (stats.messages > 0) say(summarize(stats, this.#intervals, seconds));
    if (end === 'failed' || this.#failure !== undefined) return 1;
    if (end === 'interrupted' && this.#options.count !== undefined) return INTERRUPTED_STATUS;
    return stats.gaps > 0 ? 1 : 0;
  }

  async #follow(): Promise<End> {
    let received = 0;
    try {
      for await (const message of this.#client) {
        this.#silence.restart();
        const facts = this.#facts.read(message);
        this.#intervals.add(facts);
        received++;
        this.#firstAt ??= message.receivedAtMonotonicMs;
        const atMs = message.receivedAtMonotonicMs - this.#firstAt;
        const { isText, bytes } = message.frame;
        if (!(await this.#record({ atMs, isText, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) })))
          return 'failed';
        const full = this.#output.message(facts);
        if (this.#client.position !== undefined) this.#positions?.save(this.#client.position);
        if (received === this.#options.count) return 'counted';
        if (full !== undefined) {
          this.#silence.cancel();
          await full;
          this.#silence.restart();
        }
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#failure = error.message;
      return 'failed';
    }
    if (this.#failure !== undefined) return 'failed';
    return this.#readerGone.signal.aborted ? 'reader-gone' : 'interrupted';
  }

  /** @returns false when the file cannot be written, which ends the watch */
  async #record(frame: RecordedFrame): Promise<boolean> {
    try {
      await this.#recorder?.write(frame);
      return true;
    } catch (error) {
      this.#failure = `--record: ${(error as Error).message}`;
      return false;
    }
  }

  readonly #onOutputError = (): void => {
    this.#readerGone.abort();
  };

  readonly #onEvent = (event: ClientEvent): void => {
    if (event.type === 'slow-reader') return;
    if (this.#table !== undefined) this.#table.connected = event.type === 'connected';
    if (event.type === 'connected') {
      const outcome = event.resume === undefined ? '' : `; the server resumes: ${event.resume}`;
      if (event.again || event.resume !== undefined)
        this.#output.note(
          `connected${event.again ? ' again' : ''}${outcome}`,
          event.resume === 'partial' ? 'bad' : 'good',
        );
    } else if (event.retryInMs !== undefined) {
      this.#output.note(`${event.reason}; again in ${(event.retryInMs / 1000).toFixed(1)} s`, 'warn');
    }
  };

  #fail(reason: string): void {
    this.#failure ??= reason;
    void this.#client.close();
  }
}
