import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

// Not in ws' types.
const { Receiver } = createRequire(import.meta.url)('ws') as { Receiver: new (options: object) => Writable };

const BREACHES: Readonly<Record<string, string>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'frame_size',
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 'frame_size',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'frame_rate',
};

/** What ws' own reader of frames tells of a client's bytes, in the words of `NotingHandler`. */
export async function readByWs(chunks: readonly Uint8Array[]): Promise<string[]> {
  const told: string[] = [];
  const end = new AbortController();
  const receiver = new Receiver({
    isServer: true,
    maxPayload: 4096,
    maxFragments: 20,
    maxBufferedChunks: 64,
    // Messages are ignored whatever they say; the reason of a close is looked at below.
    skipUTF8Validation: true,
  });
  receiver.on('ping', (payload: Buffer) => told.push(`ping ${payload.toString('hex')}`));
  receiver.on('pong', () => told.push('pong'));
  receiver.on('message', () => told.push('message'));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    end.abort();
    const payload = code === 1005 ? '' : code.toString(16).padStart(4, '0') + reason.toString('hex');
    told.push(isUtf8(reason) ? `close ${payload}` : 'protocol');
  });
  receiver.on('error', ({ code }: NodeJS.ErrnoException) => {
    end.abort();
    told.push(BREACHES[code ?? ''] ?? 'protocol');
  });
  for (const chunk of chunks) {
    // It unmasks in place.
    receiver.write(Buffer.from(chunk));
    // Errors are told a tick later.
    await turn();
    if (end.signal.aborted) break;
  }
  return told;
}
