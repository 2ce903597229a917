import { parseTime, printTime } from '../../edge/keys/rfc3339.ts';
import { MAX_LIMIT, isApplication } from '../../edge/keys/key-record.ts';
import { describeFlags, parseFlags } from '../flags.ts';

const FLAGS = {
  limit: {
    kind: 'number',
    min: 1,
    max: MAX_LIMIT,
    help: 'connections that the application may have, with all its keys together',
  },
  expires: { kind: 'text', help: 'day or time from which the key counts no more: 2027-01-31, 2027-01-31T12:00:00Z' },
} as const;

export const USAGE = `Usage: flashcast keys new APP [flags]
       flashcast keys hash

new   makes a key for an application. Its line for API_KEYS_FILE goes to standard output, so that >> appends it to the
      file; the key itself, which is kept nowhere, goes to standard error.
hash  reads a key from standard input, never from the command line, and prints its hash as it stands in such a line.

${describeFlags(FLAGS)}
  -h, --help

A day without a time is its first moment in UTC.

Exit status
  0    done
  1    what came on standard input is no key
  2    wrong command line
  130  interrupted
`;

export type KeysCommand =
  | { readonly kind: 'new'; readonly application: string; readonly limit?: number; readonly expiresAt?: number }
  | { readonly kind: 'hash' }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/**
 * Reads the command line of `flashcast keys`. Problems repeat no word of it but flags: a key may stand there by mistake.
 *
 * @param now milliseconds since 1970
 */
export function readKeysCommand(argv: readonly string[], now: number): KeysCommand {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) return { kind: 'help' };
  const [verb, application, ...more] = positionals;
  const refused = (...found: readonly string[]): KeysCommand => ({
    kind: 'refused',
    problems: [...problems, ...found],
  });
  switch (verb) {
    case 'new': {
      const expiry = readExpiry(values.expires, now);
      const found = [
        ...(typeof expiry === 'string' ? [expiry] : []),
        ...(more.length > 0 ? [`new: expected one application, received ${more.length + 1} words`] : []),
        ...(application === undefined ? ['new: expected the name of an application'] : []),
        ...(application !== undefined && !isApplication(application)
          ? [
              'new: expected an application of at most 128 printable characters, without white space, colons and # in front',
            ]
          : []),
      ];
      if (problems.length + found.length > 0 || application === undefined || typeof expiry === 'string')
        return refused(...found);
      return {
        kind: 'new',
        application,
        ...(values.limit !== undefined && { limit: values.limit }),
        ...(expiry !== undefined && { expiresAt: expiry }),
      };
    }
    case 'hash':
      if (values.limit !== undefined || values.expires !== undefined)
        return refused('hash: takes no flags; limit=N and expires=TIME stand in the line behind the hash');
      if (application !== undefined)
        return refused('hash: the key is read from standard input: every user of this machine sees a command line');
      return problems.length > 0 ? refused() : { kind: 'hash' };
    case undefined:
    default:
      return refused('expected new or hash');
  }
}

/** @returns milliseconds since 1970, or what is wrong */
function readExpiry(text: string | undefined, now: number): number | string | undefined {
  if (text === undefined) return undefined;
  const time = parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (time === undefined) return '--expires: expected a day or a time, as 2027-01-31 or 2027-01-31T12:00:00Z';
  return time > now ? time : `--expires: expected a time to come, it is ${printTime(now)}`;
}
