import assert from 'node:assert/strict';
import { CompressorLoad } from '../../../shared/codec/compressor.ts';
import { NativeCompressor } from '../../../shared/codec/native-compressor.ts';
import { WasmCompressor } from '../../../shared/codec/wasm-compressor.ts';

const OPTIONS = { compressionEngine: 'wasm', compressionQuality: 4 } as const;
const ODD_WORKER = new URL('./odd-worker.mjs', import.meta.url);
const FAILED = { name: 'CompressorError', reason: 'failed' };
const BUSY = { name: 'CompressorError', reason: 'busy' };
const STOPPED = { name: 'CompressorError', reason: 'stopped' };

/** Runs a test with a compressor on the odd worker, and a clock that the test moves. */
async function withOddWorker(
  run: (
    compress: (job: string) => Promise<Buffer>,
    clock: { now: number },
    compressor: WasmCompressor,
  ) => Promise<void>,
): Promise<void> {
  const clock = { now: 0 };
  const compressor = new WasmCompressor(OPTIONS, ODD_WORKER, () => clock.now);
  try {
    await run((job) => compressor.compress(Buffer.from(job)), clock, compressor);
  } finally {
    await compressor.stop();
  }
}

describe('the worker of the wasm engine', () => {
  it('fails one job that the engine refuses, and does the next', () =>
    withOddWorker(async (compress) => {
      await assert.rejects(compress('refuse'), FAILED);
      assert.equal((await compress('echo 1')).toString(), 'echo 1');
    }));

  it('fails all unfinished jobs when it crashes, and is started again', () =>
    withOddWorker(async (compress, clock) => {
      assert.equal((await compress('echo 1')).toString(), 'echo 1');
      const unfinished = ['hang', 'crash', 'echo 2'].map((job) => assert.rejects(compress(job), FAILED));
      await Promise.all(unfinished);
      clock.now = 1000;
      assert.equal((await compress('echo 3')).toString(), 'echo 3');
    }));

  it('is started once a second at most, however often it crashes', () =>
    withOddWorker(async (compress, clock) => {
      await assert.rejects(compress('crash'), FAILED);
      clock.now = 999;
      await assert.rejects(compress('echo too early'), FAILED);
      clock.now = 1000;
      await assert.rejects(compress('crash'), FAILED);
      clock.now = 1999;
      await assert.rejects(compress('echo too early'), FAILED);
    }));

  it('has at most 64 jobs in hand', () =>
    withOddWorker(async (compress, _clock, compressor) => {
      const held = Array.from({ length: 64 }, () => assert.rejects(compress('hang'), STOPPED));
      await assert.rejects(compress('echo 65'), BUSY);
      await compressor.stop();
      await Promise.all(held);
    }));

  it('makes room again when jobs end', () =>
    withOddWorker(async (compress) => {
      for (let round = 0; round < 3; round++) {
        const jobs = Array.from({ length: 64 }, (_, job) => compress(`echo ${job}`));
        assert.equal((await Promise.all(jobs)).length, 64);
      }
    }));
});

describe('the load of an engine', () => {
  it('is bounded by bytes, and one message alone fits whatever its size', () => {
    const load = new CompressorLoad();
    load.add(100_000_000);
    assert.throws(() => load.add(1), BUSY);
    load.remove(100_000_000);
    load.add(33_554_431);
    load.add(1);
    assert.throws(() => load.add(1), BUSY);
  });
});

describe('the native engine', () => {
  it('compresses on the loop only what is small, at a quality that is quick', () => {
    assert.equal(NativeCompressor.placeOf(65_536, 5), 'loop');
    assert.equal(NativeCompressor.placeOf(65_537, 0), 'pool');
    assert.equal(NativeCompressor.placeOf(100, 6), 'pool');
  });

  it('has at most 64 messages in the pool', async () => {
    const compressor = new NativeCompressor({ compressionEngine: 'native', compressionQuality: 0 });
    const large = Buffer.alloc(65_537, ' ');
    const held = Array.from({ length: 64 }, () => compressor.compress(large));
    await assert.rejects(compressor.compress(large), BUSY);
    await Promise.all(held);
    assert.ok((await compressor.compress(large)).length > 0);
  });
});
