import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { MAX_KEY_BYTES } from '../../edge/keys/api-key.ts';

/** Where a key comes from; `process.stdin` is one. */
export interface KeyInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  destroy?(): unknown;
}

/** The key and the end of its line. */
const MAX_INPUT_BYTES = MAX_KEY_BYTES + 2;

/**
 * Reads one line, which at a terminal is not shown.
 *
 * @returns without its end; `undefined` when more than a line came, more than a key can have, or bytes that are no UTF-8
 * @throws AbortError when interrupted
 */
export async function readKey(input: KeyInput, stderr: NodeJS.WritableStream, interrupted: AbortSignal) {
  interrupted.throwIfAborted();
  return input.isTTY === true ? readHidden(input, stderr, interrupted) : readPiped(input, interrupted);
}

async function readHidden(input: KeyInput, stderr: NodeJS.WritableStream, interrupted: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const ended = new AbortController();
  const terminal = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  // Ctrl-C and Ctrl-D close it, too.
  terminal.on('close', () => ended.abort());
  stderr.write('Key (not shown): ');
  try {
    const [line] = (await once(terminal, 'line', { signal: AbortSignal.any([interrupted, ended.signal]) })) as [string];
    return line;
  } finally {
    terminal.close();
    stderr.write('\n');
  }
}

async function readPiped(input: KeyInput, interrupted: AbortSignal): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  const destroy = (): void => {
    input.destroy?.();
  };
  interrupted.addEventListener('abort', destroy, { once: true });
  try {
    for await (const chunk of input) {
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      if (length > MAX_INPUT_BYTES) return undefined;
    }
  } finally {
    interrupted.removeEventListener('abort', destroy);
    interrupted.throwIfAborted();
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
    return /[\r\n]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
