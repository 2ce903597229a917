import { once } from 'node:events';
import type { Position } from '../../shared/flashblock.ts';
import { SequenceChecker, type SequenceVerdict } from '../../shared/sequence-checker.ts';
import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';
import { follow, type End } from './connection.ts';
import { hasFilter } from './filter-query.ts';
import { formatJson, formatPosition, formatText } from './line.ts';
import { readMessage } from './message.ts';
import { readWatchCommand, USAGE, type WatchOptions } from './options.ts';

/** 128 and the number of SIGPIPE, as of a process that dies of it. */
const READER_GONE_STATUS = 141;

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
  return watchStream(command.options, io);
}

async function watchStream(options: WatchOptions, io: ToolIo): Promise<number> {
  // The reader of a pipe may go away at any time (`| head`); that ends the watch and is no failure.
  const readerGone = new AbortController();
  const onOutputError = (): void => {
    readerGone.abort();
  };
  io.stdout.on('error', onOutputError);
  // What a filter leaves out cannot be told from what was lost.
  const checker = hasFilter(options.url) ? undefined : new SequenceChecker();
  let broken = 0;
  let received = 0;
  let lastAt: number | undefined;
  let draining: Promise<unknown> | undefined;

  const onMessage = (payload: Buffer, isBinary: boolean): 'done' | Promise<unknown> | undefined => {
    const now = performance.now();
    const message = readMessage(payload, isBinary);
    const arrival = {
      message,
      atMs: Date.now(),
      ...(lastAt !== undefined && { intervalMs: now - lastAt }),
    };
    lastAt = now;
    received++;
    const flowing = io.stdout.write(`${options.json ? formatJson(arrival) : formatText(arrival)}\n`);
    if (checker !== undefined && message.flashblock !== undefined) {
      const { head, contentHash } = message.flashblock;
      const verdict = checker.check({ ...head, contentHash });
      if (verdict.verdict === 'violation') broken++;
      const remark = describeVerdict(verdict, head.position);
      if (remark !== undefined) io.stderr.write(`flashcast watch: ${remark}\n`);
    }
    if (received === options.count) return 'done';
    if (flowing) return undefined;
    draining ??= once(io.stdout, 'drain', { signal: readerGone.signal }).finally(() => {
      draining = undefined;
    });
    return draining;
  };

  try {
    const end = await follow({
      url: options.url,
      timeoutMs: options.timeoutMs,
      interrupted: AbortSignal.any([io.interrupted, readerGone.signal]),
      onMessage,
    });
    if (broken > 0) io.stderr.write(`flashcast watch: sequence rules broken ${broken} times\n`);
    if (readerGone.signal.aborted) return READER_GONE_STATUS;
    return exitStatus(end, options, broken, io);
  } finally {
    io.stdout.off('error', onOutputError);
  }
}

/** What is worth telling of a verdict: where a base node would not simply go on. */
function describeVerdict(verdict: SequenceVerdict, position: Position): string | undefined {
  switch (verdict.verdict) {
    case 'ok':
      return undefined;
    case 'repeat':
      return `${formatPosition(position)} came again`;
    case 'restart':
      return `a new run begins at ${formatPosition(position)}`;
    case 'violation':
      return `sequence rule broken: expected ${verdict.expected.map(formatPosition).join(' or ')}, got ${formatPosition(verdict.got)}`;
  }
}

function exitStatus(end: End, { count, url }: WatchOptions, broken: number, io: ToolIo): number {
  switch (end.kind) {
    case 'done':
      return broken > 0 ? 1 : 0;
    case 'interrupted':
      if (count !== undefined) return 130;
      return broken > 0 ? 1 : 0;
    case 'closed':
      io.stderr.write(
        `flashcast watch: ${url.host} closed the connection: ${end.code}${end.reason === '' ? '' : ` ${end.reason}`}\n`,
      );
      return 1;
    case 'failed':
      io.stderr.write(`flashcast watch: ${url.host}: ${end.reason}\n`);
      return 1;
  }
}
