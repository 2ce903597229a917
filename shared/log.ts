import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/**
 * The process' log: one event one line, on standard output. Field values are names, numbers and states; URIs, keys, headers
 * and anything a client sent never go in.
 */
export function createLogger(options: { readonly level: LogLevel; readonly format: 'json' | 'text' }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (options.format === 'json') return pino(settings, pino.destination({ dest: 1, sync: true }));
  return pino(
    { ...settings, formatters: {} },
    pretty({ colorize: process.stdout.isTTY, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' }),
  );
}
