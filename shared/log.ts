import { pino, type Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { maskUri } from './config/mask.ts';
import { SettingsError } from './config/settings-error.ts';
import { LogFile, type Rotation } from './log-file.ts';
import { LogOutput } from './log-output.ts';

export type { Logger };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** URIs of upstreams and of Redis, and of anything with credentials: what a library's error may quote. */
const SECRET_URIS = /\b(?:wss?|rediss?(?:\+\w+)?):\/\/[^\s"'\\<>]+|\b[a-z][a-z+]*:\/\/[^\s"'\\<>/@]*@[^\s"'\\<>]*/gi;

/** Masks the URIs of a finished line: the last fence, for texts that did not come from this project's own code. */
function maskLine(line: string): string {
  return line.includes('://') ? line.replaceAll(SECRET_URIS, maskUri) : line;
}

/** An error without the fields that libraries hang on it: they hold requests, commands and URIs. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    stack: error.stack,
    ...(error.cause instanceof Error && { cause: error.cause.message }),
  };
}

type LogFormat = 'json' | 'text';

export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Nothing on standard output. */
  readonly logQuiet: boolean;
  /** Directory of the log file; without it there is none. */
  readonly logDir?: string;
  readonly logFileFormat: LogFormat;
  readonly logFileRotation: Rotation;
}

/** Takes finished lines of JSON. */
interface LineWriter {
  write(line: string): void;
  flush(): void;
}

/**
 * The process' log: one event one line, on standard output and in a file where one is asked for. Field values are names,
 * numbers and states; URIs, keys, headers and anything a client sent never go in. Written at once, so that the last line
 * before an end is not lost; an output that takes nothing costs lines and nothing else.
 *
 * @throws SettingsError where the log file cannot be made
 */
export function createLogger(options: LogOptions): Logger {
  const onLost = (lines: number): void => {
    logger.warn({ lines }, 'log lines could not be written');
  };
  const writers: LineWriter[] = [
    ...(options.logQuiet ? [] : [inFormat(options.logFormat, process.stdout.isTTY, new LogOutput(onLost))]),
    ...(options.logDir === undefined ? [] : [fileWriter(options.logDir, options, onLost)]),
  ];
  const logger: Logger = pino(
    {
      level: writers.length === 0 ? 'silent' : options.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      hooks: { streamWrite: maskLine },
      formatters: { level: (label: string) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        for (const writer of writers) writer.write(line);
      },
    },
  );
  process.once('exit', () => {
    for (const writer of writers) writer.flush();
  });
  return logger;
}

function fileWriter(
  directory: string,
  { logFileFormat, logFileRotation }: Pick<LogOptions, 'logFileFormat' | 'logFileRotation'>,
  onLost: (lines: number) => void,
): LineWriter {
  const file = new LogFile(directory, logFileRotation);
  try {
    file.open();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new SettingsError([`LOG_DIR: expected a directory in which the log can be written, it cannot (${reason})`]);
  }
  return inFormat(logFileFormat, false, new LogOutput(onLost, (bytes) => file.write(bytes)));
}

function inFormat(logFormat: LogFormat, colorize: boolean, output: LogOutput): LineWriter {
  if (logFormat === 'json') return output;
  const format = prettyFactory({ colorize, singleLine: true, translateTime: 'HH:MM:ss.l' });
  return {
    write: (line) => {
      output.write(format(line));
    },
    flush: () => {
      output.flush();
    },
  };
}
