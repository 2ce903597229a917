import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { readRecording, Recorder, RecordingError, type RecordedFrame } from '../../tools/recording.ts';
import { allSamples } from '../support/fixtures.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';
import { usesResources } from '../support/use.ts';

async function read(path: string): Promise<RecordedFrame[]> {
  const frames: RecordedFrame[] = [];
  for await (const frame of readRecording(path)) frames.push(frame);
  return frames;
}

describe('a recording', () => {
  const use = usesResources();

  it('gives back the frames byte by byte', async () => {
    const folder = use(await TemporaryFolder.create());
    const frames = allSamples().flatMap(({ content, binaryOnly }, at) => [
      ...(binaryOnly ? [] : [{ atMs: at, isText: true, bytes: content }]),
      { atMs: at + 0.25, isText: false, bytes: content },
      { atMs: at + 0.5, isText: false, bytes: brotliCompressSync(content) },
    ]);
    const recorder = await Recorder.create(folder.path('r'));
    for (const frame of frames) await recorder.write(frame);
    await recorder.close();
    assert.deepEqual(await read(folder.path('r')), frames);
  });

  it('holds any bytes and any text', async () => {
    const folder = use(await TemporaryFolder.create());
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' })), { maxLength: 5 }),
        async (contents) => {
          const frames = contents.map((content) => ({
            atMs: 0,
            isText: typeof content === 'string',
            bytes: Buffer.from(content as string),
          }));
          const path = folder.path(`r${number++}`);
          const recorder = await Recorder.create(path);
          for (const frame of frames) await recorder.write(frame);
          await recorder.close();
          assert.deepEqual(await read(path), frames);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is read up to where it was cut off', async () => {
    const folder = use(await TemporaryFolder.create());
    folder.write('r', '{"flashcast_recording":1}\n{"at_ms":0,"text":"a"}\n{"at_ms":1,"te');
    assert.deepEqual(
      (await read(folder.path('r'))).map(({ bytes }) => bytes.toString()),
      ['a'],
    );
  });

  it('never goes back in time', async () => {
    const folder = use(await TemporaryFolder.create());
    folder.write('r', '{"flashcast_recording":1}\n{"at_ms":5,"text":"a"}\n{"at_ms":3,"text":"b"}\n');
    assert.deepEqual(
      (await read(folder.path('r'))).map(({ atMs }) => atMs),
      [5, 5],
    );
  });

  for (const [what, text, problem] of [
    ['an empty file', '', /^line 1: not a recording/],
    ['another file', '{"block_number":1}\n', /^line 1: not a recording/],
    ['a later format', '{"flashcast_recording":2}\n', /^line 1: not a recording/],
    ['a line that is no frame', '{"flashcast_recording":1}\n{"at_ms":0}\n', /^line 2: not a frame/],
    ['a time that is none', '{"flashcast_recording":1}\n{"at_ms":-1,"text":""}\n', /^line 2: not a frame/],
  ] as const)
    it(`is refused: ${what}`, async () => {
      const folder = use(await TemporaryFolder.create());
      folder.write('r', text);
      await assert.rejects(
        read(folder.path('r')),
        (error) => error instanceof RecordingError && problem.test(error.message),
      );
    });
});
