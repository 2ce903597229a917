/**
 * Recordings of a stream: text, one JSON object per line. The first line names the format, each other one a frame:
 *
 *     {"flashcast_recording":1}
 *     {"at_ms":0,"text":"{\"payload_id\":..."}       a Text frame
 *     {"at_ms":182.1,"binary":"{\"payload_id\":..."} a Binary frame whose bytes are this text in UTF-8
 *     {"at_ms":363.9,"base64":"G/ALAA..."}           a Binary frame of any other bytes: brotli
 *
 * `at_ms` counts from the first frame. The frames are the ones that came, byte by byte. A file that ends within a line is read
 * up to there, so that the recording of a process that was killed can be used.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isRecord, parseJsonObject } from '../shared/codec/json-object.ts';

export interface RecordedFrame {
  /** Milliseconds since the first frame; never less than the one before it. */
  readonly atMs: number;
  readonly isText: boolean;
  readonly bytes: Buffer;
}

const HEADER = JSON.stringify({ flashcast_recording: 1 });
/** A line holds one frame, base64 or escaped; the largest frame that is taken from a stream is far below. */
const MAX_LINE_CHARS = 128 * 1024 * 1024;

/** A file that is no recording, or a broken one; the message says where. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

function writeLine({ atMs, isText, bytes }: RecordedFrame): string {
  const at = Math.round(atMs * 1000) / 1000;
  if (isText) return JSON.stringify({ at_ms: at, text: bytes.toString('utf8') });
  return JSON.stringify(
    isUtf8(bytes) ? { at_ms: at, binary: bytes.toString('utf8') } : { at_ms: at, base64: bytes.toString('base64') },
  );
}

function readLine(line: string): RecordedFrame | undefined {
  const fields = parseJsonObject(line);
  const atMs = fields?.['at_ms'];
  if (fields === undefined || typeof atMs !== 'number' || !(atMs >= 0) || atMs === Infinity) return undefined;
  const { text, binary, base64 } = fields;
  if (typeof text === 'string') return { atMs, isText: true, bytes: Buffer.from(text) };
  if (typeof binary === 'string') return { atMs, isText: false, bytes: Buffer.from(binary) };
  return typeof base64 === 'string' ? { atMs, isText: false, bytes: Buffer.from(base64, 'base64') } : undefined;
}

/** Writes a recording, frame by frame; what is not on its way to the disk yet is one frame at most. */
export class Recorder {
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Rejects with the system's error, EEXIST where there is a file already: nothing is overwritten. */
  static async create(path: string): Promise<Recorder> {
    const file = await open(path, 'wx');
    const recorder = new Recorder(file);
    await file.writeFile(`${HEADER}\n`);
    return recorder;
  }

  /** Resolves when the system has it; rejects with the system's error. One call at a time. */
  async write(frame: RecordedFrame): Promise<void> {
    await this.#file.writeFile(`${writeLine(frame)}\n`);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) throw new RecordingError('a line is longer than any frame');
    yield* lines;
  }
}

/**
 * Reads a recording from its begin, as fast as it is taken.
 *
 * @throws RecordingError where the file is none, and the system's error where it cannot be read
 */
export async function* readRecording(path: string): AsyncGenerator<RecordedFrame> {
  let number = 0;
  let lastMs = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (number === 1) {
      const version: unknown = isRecord(parseJsonObject(line))
        ? parseJsonObject(line)?.['flashcast_recording']
        : undefined;
      if (version !== 1) throw new RecordingError('line 1: not a recording of flashcast watch --record');
      continue;
    }
    const frame = readLine(line);
    if (frame === undefined) throw new RecordingError(`line ${number}: not a frame of a recording`);
    lastMs = Math.max(lastMs, frame.atMs);
    yield { ...frame, atMs: lastMs };
  }
  if (number === 0) throw new RecordingError('line 1: not a recording of flashcast watch --record');
}
