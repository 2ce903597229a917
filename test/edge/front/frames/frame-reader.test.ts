import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { FrameReader } from '../../../../edge/front/frames/frame-reader.ts';
import { type ClientFrame, NotingHandler, OP, clientFrame } from './client-frames.ts';
import { readByWs } from './ws-receiver.ts';

/** What a reader tells of bytes that come in chunks. */
function read(chunks: readonly Uint8Array[], handler = new NotingHandler()): string[] {
  const reader = new FrameReader();
  for (const chunk of chunks) if (!reader.read(chunk, chunk.length, handler)) break;
  return handler.told;
}

function bytesOf(...frames: readonly ClientFrame[]): Buffer {
  return Buffer.concat(frames.map(clientFrame));
}

/** Cuts bytes behind each of these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  return ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

function text(length: number, final = true, opcode: number = OP.text): ClientFrame {
  return { opcode, final, payload: Buffer.alloc(length, 0x61) };
}

describe('frame reader', () => {
  it('tells of each frame when it is whole, however its bytes come', () => {
    const bytes = bytesOf(
      { opcode: OP.ping },
      { opcode: OP.ping, payload: Buffer.from('hello'), mask: 0xfe_dc_ba_98 },
      text(300),
      { opcode: OP.pong, payload: Buffer.alloc(125) },
      text(10, false, OP.binary),
      { opcode: OP.ping, payload: Buffer.from('within') },
      text(10, true, OP.continuation),
      { opcode: OP.close, payload: Buffer.from('03e8627965', 'hex') },
    );
    const expected = [
      'ping ',
      'ping 68656c6c6f',
      'message',
      'pong',
      'ping 77697468696e',
      'message',
      'close 03e8627965',
    ];
    assert.deepEqual(read([bytes]), expected);
    for (let size = 7; size < bytes.length; size += 1) {
      const places = Array.from({ length: Math.floor(bytes.length / size) }, (_, n) => (n + 1) * size);
      assert.deepEqual(read(cut(bytes, places)), expected, `chunks of ${size}`);
    }
  });

  it('takes only as many bytes of a buffer as it is told', () => {
    const handler = new NotingHandler();
    const ping = clientFrame({ opcode: OP.ping });
    assert.ok(new FrameReader().read(Buffer.concat([ping, ping, ping]), ping.length, handler));
    assert.deepEqual(handler.told, ['ping ']);
  });

  it('keeps nothing of a chunk, whose buffer is used again', () => {
    const handler = new NotingHandler();
    const reader = new FrameReader();
    const ping = clientFrame({ opcode: OP.ping, payload: Buffer.from('payload') });
    const buffer = Buffer.alloc(10);
    for (let at = 0; at < ping.length; at += 4) {
      const length = ping.copy(buffer, 0, at, at + 4);
      reader.read(buffer, length, handler);
      buffer.fill(0xff);
    }
    assert.deepEqual(handler.told, [`ping ${Buffer.from('payload').toString('hex')}`]);
  });

  it('looks at nothing behind the frame at which its handler stops, in this chunk and in later ones', () => {
    const flood = Buffer.concat(Array.from({ length: 10_000 }, () => clientFrame({ opcode: OP.ping })));
    const handler = new NotingHandler(101);
    const reader = new FrameReader();
    assert.equal(reader.read(flood, flood.length, handler), false);
    assert.equal(handler.told.length, 101);
    assert.equal(reader.read(flood, flood.length, handler), false);
    assert.equal(handler.told.length, 101);
  });

  for (const [what, frames, told] of [
    ['a message of 4 KiB', [text(4096)], ['message']],
    ['one byte more', [text(4097)], ['frame_size']],
    ['fragments of 4 KiB', [text(4000, false), text(96, true, 0)], ['message']],
    ['fragments of one byte more', [text(4000, false), text(97, true, 0)], ['frame_size']],
    ['messages that are too large together', [text(4000), text(4000)], ['message', 'message']],
    ['20 fragments', [text(1, false), ...Array.from({ length: 19 }, (_, n) => text(1, n === 18, 0))], ['message']],
    ['21 fragments', [text(1, false), ...Array.from({ length: 20 }, (_, n) => text(1, n === 19, 0))], ['frame_rate']],
    ['a frame without a mask', [{ opcode: OP.ping, mask: undefined }], ['protocol']],
    ['a close of one byte', [{ opcode: OP.close, payload: Buffer.from([3]) }], ['protocol']],
    ['a close with a code that is none', [{ opcode: OP.close, payload: Buffer.from([3, 0xed]) }], ['protocol']],
    ['a close whose reason is no UTF-8', [{ opcode: OP.close, payload: Buffer.from([3, 0xe8, 0xc3]) }], ['protocol']],
    ['an unended ping', [{ opcode: OP.ping, final: false }], ['protocol']],
    ['a ping with a length in 16 bits', [{ opcode: OP.ping, lengthBits: 16 }], ['protocol']],
    ['a continuation of nothing', [text(1, true, 0)], ['protocol']],
    ['a message within a message', [text(1, false), text(1)], ['protocol']],
    ['an opcode that means nothing', [{ opcode: 3 }], ['protocol']],
    ['a reserved bit', [{ opcode: OP.ping, reserved: 4 }], ['protocol']],
  ] as const satisfies readonly (readonly [string, readonly ClientFrame[], readonly string[]])[]) {
    it(`takes ${what} for ${told.at(-1)}`, () => {
      assert.deepEqual(read([bytesOf(...frames)]), told);
    });
  }

  it('refuses a length of 64 bits by its head', () => {
    assert.deepEqual(read([Buffer.from('82ffffffffffffffffff', 'hex')]), ['frame_size']);
    assert.deepEqual(read([Buffer.from('82ff0000000000001001', 'hex')]), ['frame_size']);
    assert.deepEqual(read([Buffer.from('82ff0000000000001000', 'hex')]), []);
  });

  it('takes a frame that comes in 64 reads, and none in more', () => {
    const bytes = clientFrame(text(100));
    const head = bytes.length - 100;
    const places = (reads: number): number[] => Array.from({ length: reads - 1 }, (_, n) => head + n + 1);
    assert.deepEqual(read(cut(bytes, places(64))), ['message']);
    assert.deepEqual(read(cut(bytes, places(65))), ['frame_rate']);
  });

  const frames: fc.Arbitrary<ClientFrame> = fc
    .record({
      opcode: fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(OP.continuation, OP.text, OP.binary, OP.ping, OP.pong) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
      ),
      final: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
      reserved: fc.oneof(
        { weight: 40, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 7 }) },
      ),
      mask: fc.oneof({ weight: 40, arbitrary: fc.integer() }, { weight: 1, arbitrary: fc.constant(undefined) }),
      payload: fc.oneof(
        { weight: 6, arbitrary: fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes)) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 4200 }).map((length) => Buffer.alloc(length, length)) },
        {
          weight: 1,
          arbitrary: fc.integer({ min: 998, max: 5001 }).map((code) => Buffer.from([code >> 8, code & 255])),
        },
      ),
      lengthBits: fc.option(fc.constantFrom(16, 64), { nil: undefined, freq: 20 }),
    })
    .map(({ lengthBits, ...frame }) => (lengthBits === undefined ? frame : { ...frame, lengthBits }));

  it('tells what the receiver of ws tells, for any frames, whole or damaged, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(frames, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 7 })), { maxLength: 2 }),
        async (sequence, places, flips) => {
          const bytes = bytesOf(...sequence);
          for (const [place, bit] of flips) bytes[place % bytes.length]! ^= 1 << bit;
          const chunks = cut(bytes, places);
          assert.deepEqual(read(chunks), await readByWs(chunks));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('tells what the receiver of ws tells of a close and of many small chunks', async () => {
    for (let code = 990; code < 1020; code += 1) {
      const bytes = clientFrame({ opcode: OP.close, payload: Buffer.from([code >> 8, code & 255, 0x21]) });
      assert.deepEqual(read([bytes]), await readByWs([bytes]), `${code}`);
    }
    for (const size of [0, 60, 66, 70, 75, 90]) {
      const chunks = cut(
        clientFrame(text(size)),
        Array.from({ length: 100 }, (_, n) => n),
      );
      assert.deepEqual(read(chunks), await readByWs(chunks), `${size} bytes one by one`);
    }
  });
});
