import { MAX_KEY_BYTES, SHORT_KEY_CHARACTERS, digestOf, keyProblem, newKey } from '../../edge/keys/api-key.ts';
import { type KeyRecord, printKeyLine } from '../../edge/keys/key-record.ts';
import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';
import { readKeysCommand, USAGE } from './command.ts';
import { type KeyInput, readKey } from './key-input.ts';

export interface KeysIo extends ToolIo {
  /** A key comes from here. */
  readonly stdin: KeyInput;
}

/** 128 and the number of SIGINT. */
const INTERRUPTED_STATUS = 130;

/** `flashcast keys`: resolves with the exit status. */
export function runKeys(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => keys(argv, { ...io, stdin: process.stdin }));
}

/**
 * {@link runKeys} on given streams.
 *
 * @param now milliseconds since 1970
 */
export async function keys(argv: readonly string[], io: KeysIo, now = Date.now()): Promise<number> {
  const command = readKeysCommand(argv, now);
  switch (command.kind) {
    case 'refused':
      return refuseUsage(io, 'keys', command.problems);
    case 'help':
      io.stdout.write(USAGE);
      return 0;
    case 'new':
      printNew(command, io);
      return 0;
    case 'hash':
      return printHash(io);
  }
}

/** On two streams, so that the key does not get into the file that the line is appended to. */
function printNew(record: Omit<KeyRecord, 'digest'>, io: ToolIo): void {
  const key = newKey();
  io.stderr.write(`Key of ${record.application}, shown only now: ${key}\nIts line for API_KEYS_FILE:\n`);
  io.stdout.write(`${printKeyLine({ ...record, digest: hexDigest(key) })}\n`);
}

async function printHash({ stdin, stdout, stderr, interrupted }: KeysIo): Promise<number> {
  let key: string | undefined;
  try {
    key = await readKey(stdin, stderr, interrupted);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return INTERRUPTED_STATUS;
    throw error;
  }
  const problem = key === undefined ? `one line of at most ${MAX_KEY_BYTES} bytes of UTF-8 text` : keyProblem(key);
  if (key === undefined || problem !== undefined) {
    stderr.write(`flashcast keys: hash: standard input: expected ${problem}\n`);
    return 1;
  }
  if (key.length < SHORT_KEY_CHARACTERS)
    stderr.write(
      `flashcast keys: hash: under ${SHORT_KEY_CHARACTERS} characters, a key can be guessed from its hash; flashcast keys new makes a better one\n`,
    );
  stdout.write(`sha256:${hexDigest(key)}\n`);
  return 0;
}

function hexDigest(key: string): string {
  const digest = digestOf(key);
  if (digest === undefined) throw new RangeError('a key is checked before it is hashed');
  return digest.toString('hex');
}
