import { pino, type Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { maskUri } from './config/mask.ts';
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

export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

/**
 * The process' log: one event one line, on standard output. Field values are names, numbers and states; URIs, keys, headers
 * and anything a client sent never go in. Written at once, so that the last line before an end is not lost; a standard output
 * that takes nothing costs lines and nothing else.
 */
export function createLogger(options: LogOptions): Logger {
  const json = options.logFormat === 'json';
  const output = new LogOutput((lines) => {
    logger.warn({ lines }, 'log lines could not be written');
  });
  const format = json
    ? undefined
    : prettyFactory({ colorize: process.stdout.isTTY, singleLine: true, translateTime: 'HH:MM:ss.l' });
  const logger: Logger = pino(
    {
      level: options.logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      hooks: { streamWrite: maskLine },
      ...(json && { formatters: { level: (label: string) => ({ level: label }) } }),
    },
    { write: (line: string) => output.write(format?.(line) ?? line) },
  );
  process.once('exit', () => {
    output.flush();
  });
  return logger;
}
