import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FrameWrite, findWriteRequests } from '../../../edge/fanout/frame-write.ts';
import { Changes } from '../../support/changes.ts';
import { type Ends, SocketPair } from '../../support/socket-pair.ts';
import { usesResources } from '../../support/use.ts';
import { turnsUntil } from '../harness.ts';

const MIB = 1_048_576;
/** More than the kernel's buffers hold for a connection that nobody reads. */
const TOO_LARGE = Buffer.alloc(16 * MIB, 'x');

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A connection whose far end keeps what it reads, once it reads. */
class Pair extends SocketPair {
  readonly changes = new Changes();
  #got: Buffer[] = [];
  /** Writes of the near end that went through its stream. */
  streamWrites = 0;
  error: NodeJS.ErrnoException | undefined;

  constructor(ends: Ends) {
    super(ends);
    this.near.on('error', (error) => (this.error = error));
    this.near.on('close', () => this.changes.notify());
    const write = this.near._write.bind(this.near);
    this.near._write = (...args) => {
      this.streamWrites += 1;
      write(...args);
    };
  }

  read(): void {
    this.far.on('data', (chunk: Buffer) => {
      this.#got.push(chunk);
      this.changes.notify();
    });
  }

  get bytes(): number {
    return this.#got.reduce((sum, { length }) => sum + length, 0);
  }

  async got(bytes: Buffer): Promise<void> {
    await this.changes.until(() => this.bytes >= bytes.length, `${bytes.length} bytes`);
    assert.ok(Buffer.concat(this.#got).equals(bytes));
  }
}

describe('frame write', () => {
  const use = usesResources();
  const pair = async (): Promise<Pair> => use(await Pair.connect());

  it('finds what this release of Node hands to a handle', () => {
    assert.notEqual(findWriteRequests(), undefined);
  });

  it('goes past the stream, also behind a frame that had to wait', async () => {
    const to = await pair();
    const frames = new FrameWrite();
    assert.equal(frames.write(to.near, Buffer.from('a')), undefined);
    const pending = frames.write(to.near, TOO_LARGE);
    const taken = new Promise<void>((resolve) => pending!.onTaken(resolve));
    to.read();
    await taken;
    assert.equal(frames.write(to.near, Buffer.from('b')), undefined);
    await to.got(Buffer.concat([Buffer.from('a'), TOO_LARGE, Buffer.from('b')]));
    assert.equal(to.streamWrites, 0);
  });

  it('uses no request again before it is done, also where nothing is left to write', () => {
    class Request {
      id = -1;
      oncomplete: (status: number) => void = () => undefined;
      bytes = Buffer.alloc(0);
      getAsyncId(): number {
        return this.id;
      }
    }
    const used: Request[] = [];
    const handle = {
      writeBuffer: (request: Request) => {
        // The first waits, although the kernel has taken all by now.
        if (used.length === 0) request.id = 7;
        used.push(request);
        return 0;
      },
    };
    const socket = Object.assign(new PassThrough(), { _handle: handle });
    const frames = new FrameWrite(Request);
    let isTaken = false;
    frames.write(socket, Buffer.from('a'))!.onTaken(() => (isTaken = true));
    assert.equal(frames.write(socket, Buffer.from('b')), undefined);
    assert.equal(frames.write(socket, Buffer.from('c')), undefined);
    const [first, second, third] = used;
    assert.ok(first !== second && second === third);
    assert.equal(isTaken, false);
    first!.oncomplete(0);
    assert.equal(isTaken, true);
  });

  for (const [way, requests] of [
    ['the handle', findWriteRequests()],
    ['the stream', undefined],
  ] as const) {
    describe(`by ${way}`, () => {
      it('sends to many in order, whichever of them have to wait', async () => {
        const frames = new FrameWrite(requests);
        const pairs = [await pair(), await pair(), await pair()];
        const expected = Buffer.concat([TOO_LARGE, Buffer.from('end')]);
        const taken = pairs.map(async ({ near }) => {
          await new Promise<void>((resolve) => frames.write(near, TOO_LARGE)!.onTaken(resolve));
          assert.equal(frames.write(near, Buffer.from('end')), undefined);
        });
        for (const to of pairs) to.read();
        await Promise.all(taken);
        for (const to of pairs) await to.got(expected);
      });

      it('lets what the stream writes and its end follow a frame that waits', async () => {
        const frames = new FrameWrite(requests);
        const to = await pair();
        frames.write(to.near, TOO_LARGE)!.onTaken(() => undefined);
        to.near.end('bye');
        to.read();
        await once(to.far, 'end');
        await to.got(Buffer.concat([TOO_LARGE, Buffer.from('bye')]));
        assert.equal(to.error, undefined);
      });

      it('waits behind what the stream has to write', async () => {
        const frames = new FrameWrite(requests);
        const to = await pair();
        to.near.write(TOO_LARGE);
        // The first is the handle's already; this one is still the stream's.
        to.near.write('a');
        const taken = new Promise<void>((resolve) => frames.write(to.near, Buffer.from('b'))!.onTaken(resolve));
        to.read();
        await taken;
        await to.got(Buffer.concat([TOO_LARGE, Buffer.from('ab')]));
      });

      it('tells of a connection that the other side has reset', async () => {
        const frames = new FrameWrite(requests);
        const to = await pair();
        const waiting = frames.write(to.near, TOO_LARGE)!;
        waiting.onTaken(() => assert.fail('it was not taken'));
        to.far.resetAndDestroy();
        await to.changes.until(() => to.near.closed, 'the end');
        assert.match(to.error?.code ?? '', /^(ECONNRESET|EPIPE)$/);
      });

      it('tells of a connection that is over as soon as it is written to', async () => {
        const frames = new FrameWrite(requests);
        const to = await pair();
        to.near.pause();
        to.far.resetAndDestroy();
        // Only a write notices, as nobody reads.
        await turnsUntil(
          () => frames.write(to.near, Buffer.from('a')) === undefined && to.near.errored !== null,
          'the error',
        );
        assert.match((to.near.errored as NodeJS.ErrnoException).code ?? '', /^(ECONNRESET|EPIPE)$/);
      });

      for (const reason of [undefined, new Error('timed out')])
        it(`calls nobody back for a socket that was destroyed meanwhile${reason ? ' with a reason' : ''}`, async () => {
          const frames = new FrameWrite(requests);
          const to = await pair();
          frames.write(to.near, TOO_LARGE)!.onTaken(() => assert.fail('it was not taken'));
          to.near.destroy(reason);
          await to.changes.until(() => to.near.closed, 'the end');
          await turn();
          assert.equal(to.error, reason);
          assert.equal(frames.write(to.near, Buffer.from('a')), undefined);
        });

      it('keeps what waits from the collector of garbage', async () => {
        const frames = new FrameWrite(requests);
        const to = await pair();
        const taken = new Promise<void>((resolve) =>
          frames.write(to.near, Buffer.alloc(TOO_LARGE.length, 'x'))!.onTaken(resolve),
        );
        const others: Buffer[] = [];
        while (others.length < 8) {
          await turn();
          collectGarbage();
          others.push(Buffer.alloc(TOO_LARGE.length, 'y'));
        }
        to.read();
        await taken;
        await to.got(TOO_LARGE);
      });
    });
  }
});
