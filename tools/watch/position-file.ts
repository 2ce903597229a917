import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ResumePoint } from '../../client/node.ts';
import { parseJsonObject } from '../../shared/codec/json-object.ts';
import { MAX_FLASHBLOCK_INDEX, MAX_PAYLOAD_ID_LENGTH } from '../../shared/flashblock.ts';

const isWhole = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max;

/** Reads a position; `undefined` for what is none. */
function parsePosition(text: string): ResumePoint | undefined {
  const { block_number, flashblock_index, payload_id } = parseJsonObject(text) ?? {};
  if (!isWhole(block_number, Number.MAX_SAFE_INTEGER) || !isWhole(flashblock_index, MAX_FLASHBLOCK_INDEX))
    return undefined;
  const point = { blockNumber: block_number, index: flashblock_index };
  if (payload_id === undefined) return point;
  return typeof payload_id === 'string' && payload_id.length <= MAX_PAYLOAD_ID_LENGTH
    ? { ...point, payloadId: payload_id }
    : undefined;
}

/**
 * Reads where a watch stopped.
 *
 * @returns `undefined` where there is no file yet
 * @throws Error in one sentence where it cannot be read or holds something else
 */
export async function readPosition(path: string): Promise<ResumePoint | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const point = parsePosition(text);
  if (point === undefined) throw new Error('holds no position; remove it to begin with the next message');
  return point;
}

/**
 * Keeps a position on disk. The file is replaced as a whole, so that it holds a position whatever happens; while it is written only
 * the newest position waits.
 */
export class PositionFile {
  readonly #path: string;
  readonly #onError: (error: Error) => void;
  #waiting: ResumePoint | undefined;
  #writing: Promise<void> | undefined;

  /** @param onError told of each write that fails; the position before stays in the file */
  constructor(path: string, onError: (error: Error) => void) {
    this.#path = path;
    this.#onError = onError;
  }

  save(point: ResumePoint): void {
    this.#waiting = point;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when the newest position is on its way to the disk no more. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.${process.pid}.tmp`;
    while (this.#waiting !== undefined) {
      const { blockNumber, index, payloadId } = this.#waiting;
      this.#waiting = undefined;
      const text = JSON.stringify({ block_number: blockNumber, flashblock_index: index, payload_id: payloadId });
      try {
        await writeFile(temporary, `${text}\n`);
        await rename(temporary, this.#path);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        this.#onError(error as Error);
      }
    }
  }
}
