import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { findOnReadFields, readSocket } from '../../../../edge/front/frames/socket-reader.ts';
import { Changes } from '../../../support/changes.ts';
import { type Ends, SocketPair } from '../../../support/socket-pair.ts';
import { usesResources } from '../../../support/use.ts';
import { turnsUntil } from '../../harness.ts';

const NOTHING = Buffer.alloc(0);
const MIB = 1_048_576;

/** A connection whose near end is read. */
class Pair extends SocketPair {
  readonly changes = new Changes();
  /** What the taker got. */
  bytes = NOTHING;
  reads = 0;
  ended = false;
  error: Error | undefined;
  /** It stops to read when it has got so many bytes. */
  most = Infinity;

  constructor(ends: Ends) {
    super(ends);
    const { near } = this;
    near.on('error', (error) => (this.error = error));
    for (const event of ['end', 'close']) near.on(event, () => this.changes.notify());
    near.on('end', () => (this.ended = true));
  }

  take(bytes: Uint8Array, length: number): boolean {
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(0, length)]);
    this.reads += 1;
    this.changes.notify();
    return this.bytes.length < this.most;
  }

  async got(text: string): Promise<void> {
    await this.changes.until(
      () => this.bytes.toString('latin1') === text,
      () => `"${text}", got "${this.bytes.toString('latin1')}"`,
    );
  }
}

describe('socket reader', () => {
  const use = usesResources();
  const pair = async (): Promise<Pair> => use(await Pair.connect());

  it("finds where this release of Node keeps a socket's read buffer", () => {
    assert.notEqual(findOnReadFields(), undefined);
  });

  it('reads sockets into one buffer, without an event', async () => {
    const pairs = [await pair(), await pair()];
    const buffers = new Set<Uint8Array>();
    for (const each of pairs) {
      readSocket(each.near, NOTHING, {
        take(bytes, length) {
          buffers.add(bytes);
          return each.take(bytes, length);
        },
      });
      each.far.write('a');
      await each.got('a');
      assert.equal(each.near.listenerCount('data'), 0);
    }
    assert.equal(buffers.size, 1);
  });

  for (const [way, fields] of [
    ['the shared buffer', findOnReadFields()],
    ["'data' events", undefined],
    ["'data' events, where sockets have no such fields", { buffer: Symbol('buffer'), callback: Symbol('callback') }],
  ] as const) {
    describe(`by ${way}`, () => {
      const read = (to: Pair, head: Uint8Array = NOTHING): void => readSocket(to.near, head, to, fields);

      it('hands over what came before, in order, and then what comes', async () => {
        const to = await pair();
        to.far.write('b');
        to.near.read(0);
        await turnsUntil(() => to.near.readableLength === 1, 'the first byte');
        read(to, Buffer.from('a'));
        await to.got('ab');
        for (const text of ['c', 'd'.repeat(10_000), 'e']) {
          const before = to.bytes.toString();
          to.far.write(text);
          await to.got(before + text);
        }
      });

      it('tells of the end of the other side, and lets the own one be written to', async () => {
        const to = await pair();
        read(to);
        to.far.end('bye');
        await to.changes.until(() => to.ended, 'the end');
        assert.equal(to.bytes.toString(), 'bye');
        to.near.end('and you');
        const [answer] = (await once(to.far, 'data')) as [Buffer];
        assert.equal(answer.toString(), 'and you');
        await to.changes.until(() => to.near.destroyed, 'the end of both sides');
        assert.equal(to.error, undefined);
      });

      it('tells of an end that came before', async () => {
        const to = await pair();
        to.far.end('x');
        to.near.read(0);
        await turnsUntil(() => to.near.readableLength === 1, 'the byte');
        for (let n = 0; n < 10; n += 1) await turn();
        read(to);
        await to.changes.until(() => to.ended, 'the end');
        assert.equal(to.bytes.toString(), 'x');
      });

      it('tells of a reset', async () => {
        const to = await pair();
        read(to);
        to.far.write('a');
        await to.got('a');
        to.far.resetAndDestroy();
        await to.changes.until(() => to.near.destroyed, 'the reset');
        assert.equal((to.error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET');
      });

      it('reads nothing more after a no', async () => {
        const to = await pair();
        to.most = 10;
        read(to);
        to.far.write(Buffer.alloc(8 * MIB));
        await to.changes.until(() => to.reads > 0, 'the first bytes');
        for (let n = 0; n < 300; n += 1) await turn();
        assert.equal(to.reads, 1);
        assert.ok(to.near.bytesRead < MIB / 4, `${to.near.bytesRead} bytes were read`);
        to.near.destroy();
      });

      it('reads nothing after a no to what came before', async () => {
        const to = await pair();
        to.most = 1;
        read(to, Buffer.from('a'));
        to.far.write('b');
        for (let n = 0; n < 100; n += 1) await turn();
        assert.equal(to.bytes.toString(), 'a');
        to.near.destroy();
      });
    });
  }

  it('takes no more of a flood at once than the shared buffer holds', async () => {
    const to = await pair();
    const lengths: number[] = [];
    readSocket(to.near, NOTHING, {
      take(bytes, length) {
        lengths.push(length);
        return to.take(bytes, length);
      },
    });
    to.far.write(Buffer.alloc(100_000));
    await to.changes.until(() => to.bytes.length === 100_000, 'the flood');
    assert.ok(lengths.every((length) => length <= 4096));
  });
});
