import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FrameMeter, OPCODE, type FrameSink } from '../../../tools/bench/frame-meter.ts';

/** A frame as a server sends it. */
function frame(payload: Buffer, opcode: number, final = true): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header.writeUInt8((final ? 0x80 : 0) | opcode, 0);
  header.writeUInt8(length < 126 ? length : length < 65_536 ? 126 : 127, 1);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

class Seen implements FrameSink {
  readonly messages: { readonly fingerprint: number; readonly bytes: number; readonly startedAt: number }[] = [];
  readonly controls: (readonly [opcode: number, lead: number])[] = [];
  readonly meter = new FrameMeter(this);
  message(fingerprint: number, bytes: number): void {
    this.messages.push({ fingerprint, bytes, startedAt: this.meter.startedAt });
  }
  control(opcode: number, lead: number): void {
    this.controls.push([opcode, lead]);
  }
  /** Reads pieces of these lengths in turn; the time is the number of the piece. */
  read(bytes: Buffer, lengths: readonly number[] = [bytes.length]): boolean {
    let from = 0;
    for (let piece = 0; from < bytes.length; piece++) {
      const to = Math.min(bytes.length, from + (lengths[piece % lengths.length] ?? 1));
      if (!this.meter.read(bytes, from, to, piece)) return false;
      from = to;
    }
    return true;
  }
}

const payloads = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(length % 251)),
  ),
  { minLength: 1, maxLength: 6 },
);
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 66_000 })), {
  minLength: 1,
  maxLength: 8,
});

describe('FrameMeter', () => {
  it('tells the same of frames in whatever pieces they come', () => {
    fc.assert(
      fc.property(payloads, cuts, (contents, lengths) => {
        const bytes = Buffer.concat(
          contents.flatMap((content) => [frame(Buffer.from(content), 2), frame(Buffer.alloc(3), 10)]),
        );
        const [whole, cut] = [new Seen(), new Seen()];
        assert.ok(whole.read(bytes) && cut.read(bytes, lengths));
        const told = ({ messages, controls }: Seen) => [
          messages.map(({ fingerprint, bytes: size }) => [fingerprint, size]),
          controls,
        ];
        assert.deepEqual(told(cut), told(whole));
        assert.deepEqual(
          whole.messages.map((message) => message.bytes),
          contents.map(({ length }) => length),
        );
        assert.equal(whole.controls.length, contents.length);
      }),
    );
  });

  it('gives payloads that differ at their beginning, at their end or in their length different fingerprints', () => {
    const variants = [0, 63, 40_000 - 16, 40_000 - 1].map((at) => {
      const payload = Buffer.alloc(40_000, 7);
      payload[at] = 8;
      return payload;
    });
    const all = [Buffer.alloc(40_000, 7), Buffer.alloc(40_001, 7), Buffer.alloc(0), ...variants];
    const seen = new Seen();
    seen.read(Buffer.concat(all.map((payload) => frame(payload, 2))));
    assert.equal(new Set(seen.messages.map(({ fingerprint }) => fingerprint)).size, all.length);
    assert.ok(seen.messages.every(({ fingerprint }) => Number.isSafeInteger(fingerprint)));
  });

  it('says when the first byte of a message came', () => {
    const seen = new Seen();
    const bytes = Buffer.concat([frame(Buffer.alloc(90), 2), frame(Buffer.alloc(90), 1)]);
    seen.read(bytes, [50, 60, 500]);
    assert.deepEqual(
      seen.messages.map(({ startedAt }) => startedAt),
      [0, 1],
    );
  });

  it('takes the fragments of a message for one, with control frames between them', () => {
    const seen = new Seen();
    seen.read(
      Buffer.concat([
        frame(Buffer.from('one'), 1, false),
        frame(Buffer.alloc(0), OPCODE.ping),
        frame(Buffer.from('two'), OPCODE.continuation),
      ]),
    );
    assert.deepEqual(
      seen.messages.map(({ bytes }) => bytes),
      [6],
    );
    assert.deepEqual(seen.controls, [[OPCODE.ping, 0]]);
  });

  it('tells the code of a Close, however it is cut', () => {
    const close = frame(Buffer.concat([Buffer.from([0x03, 0xf5]), Buffer.from('too slow')]), OPCODE.close);
    for (const lengths of [[close.length], [1], [3]]) {
      const seen = new Seen();
      seen.read(close, lengths);
      assert.deepEqual(seen.controls, [[OPCODE.close, 1013]]);
    }
  });

  it('reads no further than a mask or a reserved bit', () => {
    assert.equal(new Seen().read(Buffer.from([0x82, 0x80, 0, 0, 0, 0])), false);
    assert.equal(new Seen().read(Buffer.from([0xc2, 0x01, 0])), false);
  });
});
