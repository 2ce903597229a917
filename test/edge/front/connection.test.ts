import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Connection } from '../../../edge/front/connection.ts';
import { OPCODE, type RawFrame, controlFrame } from '../../support/raw-frames.ts';
import { usesResources } from '../../support/use.ts';
import { EdgeHarness, type HarnessSettings, turnsUntil } from '../harness.ts';
import { RawPeer } from '../raw-peer.ts';

/** A client's data frame, masked with zeros. */
function dataFrame(length: number, { opcode = 2, final = true } = {}): Buffer {
  const header = Buffer.alloc(length < 126 ? 6 : 8);
  header[0] = (final ? 0x80 : 0) | opcode;
  header[1] = 0x80 | (length < 126 ? length : 126);
  if (length >= 126) header.writeUInt16BE(length, 2);
  return Buffer.concat([header, Buffer.alloc(length)]);
}

function closeOf(frames: readonly RawFrame[]): { code: number; reason: string } | undefined {
  const close = frames.find(({ opcode }) => opcode === OPCODE.close);
  return close && { code: close.payload.readUInt16BE(0), reason: close.payload.toString('utf8', 2) };
}

function count(frames: readonly RawFrame[], opcode: number): number {
  return frames.filter((frame) => frame.opcode === opcode).length;
}

const MIB = 1_048_576;
/** More than the kernel's buffers hold for a connection that nobody reads, by the usual settings: what is left keeps a client blocked. */
const BLOCKING_BYTES = 8 * MIB;

/** A message of a size; its number tells it from others. */
function message(number: number, bytes: number): { plain: Buffer; payload: Buffer; plainLength: number } {
  const plain = Buffer.alloc(bytes, 0x20);
  plain.write(`{"n":"${number}"`);
  return { plain, payload: plain, plainLength: bytes };
}

describe('connection', () => {
  const use = usesResources();

  async function connect(settings: Partial<HarnessSettings> = {}, now?: () => number) {
    const harness = use(await EdgeHarness.start(settings, now));
    const peer = use(await RawPeer.upgrade(harness.port));
    const connection = harness.fanout.clients[0]!;
    return { harness, peer, connection };
  }

  /** Delivers messages of {@link BLOCKING_BYTES} until a client that does not read is blocked. */
  async function block(harness: EdgeHarness, peer: RawPeer, connection: Connection): Promise<number> {
    peer.socket.pause();
    let delivered = 0;
    while (!connection.blocked) {
      delivered += 1;
      harness.deliver(message(delivered, BLOCKING_BYTES));
      await turn();
    }
    return delivered;
  }

  async function reasonOfEnd(harness: EdgeHarness): Promise<unknown> {
    const [gone] = await harness.logged('client disconnected');
    return gone?.['reason'];
  }

  describe('control frames', () => {
    it('answers each ping with its payload, while messages flow', async () => {
      const { harness, peer } = await connect();
      for (let n = 1; n <= 60; n += 1) {
        peer.socket.write(controlFrame(OPCODE.ping, n % 2 === 0 ? Buffer.alloc(0) : Buffer.from(`ping ${n}`)));
        harness.deliver(message(n, 30_000));
        await turn();
      }
      await peer.received(120);
      const pongs = peer.frames.filter(({ opcode }) => opcode === OPCODE.pong).map(({ payload }) => payload.toString());
      assert.deepEqual(
        pongs,
        Array.from({ length: 60 }, (_, n) => ((n + 1) % 2 === 0 ? '' : `ping ${n + 1}`)),
      );
      assert.equal(count(peer.frames, OPCODE.binary), 60);
    });

    it('answers only the newest of the pings that came while the socket was blocked', async () => {
      const { harness, peer, connection } = await connect();
      const delivered = await block(harness, peer, connection);
      for (const text of ['1', '2', '3']) peer.socket.write(controlFrame(OPCODE.ping, Buffer.from(text)));
      await turnsUntil(() => connection.pendingPong?.toString('latin1').endsWith('3') === true, 'the third ping');
      harness.deliver(message(delivered + 1, 10));
      peer.socket.resume();
      await peer.received(delivered + 2);
      assert.deepEqual(
        peer.frames.slice(delivered).map(({ opcode, payload }) => [opcode, payload.length]),
        [
          [OPCODE.pong, 1],
          [OPCODE.binary, 10],
        ],
      );
      assert.equal(peer.frames[delivered]?.payload.toString(), '3');
    });

    it('counts any frame of a client as its pong', async () => {
      const { peer, connection } = await connect();
      for (const frame of [
        controlFrame(OPCODE.pong),
        controlFrame(OPCODE.ping),
        dataFrame(3),
        dataFrame(3, { opcode: OPCODE.text }),
      ]) {
        connection.pingedAt = 1;
        peer.socket.write(frame);
        await turnsUntil(() => connection.pingedAt === 0, 'the frame');
      }
    });

    it('pings clients, and ends those that do not answer', async () => {
      let time = 5000;
      const { harness, peer, connection } = await connect(
        { clientPingEnabled: true, clientPingIntervalMs: 5, clientPongTimeoutMs: 60_000 },
        () => time,
      );
      await peer.received(1);
      assert.deepEqual([peer.frames[0]?.opcode, peer.frames[0]?.payload.length], [OPCODE.ping, 0]);
      assert.equal(connection.pingedAt, 5000);
      time += 60_000;
      await peer.end();
      assert.equal(await reasonOfEnd(harness), 'pong_timeout');
      assert.equal(await harness.sample('websocket_proxy_client_pong_disconnects'), 1);
    });

    it('takes the smallest interval and timeout', async () => {
      const { harness, peer } = await connect({
        clientPingEnabled: true,
        clientPingIntervalMs: 1,
        clientPongTimeoutMs: 1,
      });
      await peer.end();
      assert.equal(await reasonOfEnd(harness), 'pong_timeout');
    });
  });

  describe('what clients send', () => {
    it('is ignored up to 4 KiB', async () => {
      const { harness, peer } = await connect();
      peer.socket.write(Buffer.concat([dataFrame(4096), dataFrame(0, { opcode: OPCODE.text }), dataFrame(200)]));
      peer.socket.write(dataFrame(4000, { final: false }));
      peer.socket.write(dataFrame(96, { opcode: 0 }));
      peer.socket.write(controlFrame(OPCODE.ping));
      harness.deliver();
      await peer.received(2);
      assert.deepEqual(new Set(peer.frames.map(({ opcode }) => opcode)), new Set([OPCODE.pong, OPCODE.binary]));
    });

    for (const [what, bytes] of [
      ['one frame', dataFrame(4097)],
      ['fragments', Buffer.concat([dataFrame(4000, { final: false }), dataFrame(97, { opcode: 0 })])],
    ] as const) {
      it(`is closed with 1009 when larger, in ${what}`, async () => {
        const { harness, peer } = await connect();
        peer.socket.write(bytes);
        await peer.received(1);
        assert.equal(closeOf(peer.frames)?.code, 1009);
        peer.socket.end(controlFrame(OPCODE.close, Buffer.from([0x03, 0xf1])));
        await peer.end();
        assert.equal(await reasonOfEnd(harness), 'frame_size');
      });
    }

    for (const [what, frame, reason] of [
      ['control frames', controlFrame(OPCODE.pong), 'Too many control frames'],
      ['data frames', dataFrame(1), 'Too many data frames'],
    ] as const) {
      it(`is closed with 1008 when ${what} exceed burst and rate`, async () => {
        const { harness, peer, connection } = await connect({}, () => 1000);
        peer.socket.write(Buffer.concat([...Array.from({ length: 99 }, () => frame), controlFrame(OPCODE.ping)]));
        // The answer to the ping tells that all before it were read.
        await peer.received(1);
        assert.ok(connection.open);
        peer.socket.write(Buffer.concat([frame, frame]));
        await peer.received(2);
        assert.deepEqual(closeOf(peer.frames), { code: 1008, reason });
        await peer.changes.until(() => peer.ended, 'the end');
        assert.equal(await reasonOfEnd(harness), 'frame_rate');
      });
    }

    it('is not read any more after 1008', async () => {
      const { peer, connection } = await connect({}, () => 1000);
      const socket = connection.socket as Socket;
      peer.socket.write(Buffer.concat(Array.from({ length: 101 }, () => dataFrame(1))));
      await peer.received(1);
      peer.socket.write(Buffer.alloc(4 * MIB));
      for (let n = 0; n < 500; n += 1) await turn();
      // What a read or two bring while the stream fills its buffer.
      assert.ok(socket.bytesRead < MIB / 4, `${socket.bytesRead} bytes were read`);
    });

    it('is closed with 1008 when one message comes in too many frames', async () => {
      const { harness, peer } = await connect();
      const parts = Array.from({ length: 30 }, (_, n) => dataFrame(1, { opcode: n === 0 ? 2 : 0, final: false }));
      peer.socket.write(Buffer.concat(parts));
      await peer.received(1);
      assert.deepEqual(closeOf(peer.frames), { code: 1008, reason: 'Too many parts of a frame or message' });
      peer.socket.destroy();
      assert.equal(await reasonOfEnd(harness), 'frame_rate');
    });

    it('is closed with 1002 when it breaks the protocol', async () => {
      const { harness, peer } = await connect();
      peer.socket.write(Buffer.from([0x82, 0x01, 0x00]));
      await peer.received(1);
      assert.equal(closeOf(peer.frames)?.code, 1002);
      peer.socket.destroy();
      assert.equal(await reasonOfEnd(harness), 'protocol');
    });
  });

  describe('slow clients', () => {
    it('hold one frame at most, however much they miss', async () => {
      const { harness, peer, connection } = await connect({ clientSendTimeoutMs: 1_000_000 });
      const delivered = await block(harness, peer, connection);
      for (let n = 1; n <= 40; n += 1) harness.deliver(message(delivered + n, MIB));
      const frameBytes = BLOCKING_BYTES + 10;
      const waiting = harness.fanout.writer.waitingBytes(connection);
      assert.ok(waiting > 0 && waiting <= frameBytes);
      assert.ok((await harness.sample('websocket_proxy_bytes_broadcasted'))! <= delivered * frameBytes);
    });

    it('are cut off when their socket takes nothing for the send timeout, and others see every message', async () => {
      let time = 1000;
      const { harness, peer, connection } = await connect({}, () => time);
      const fast = use(await RawPeer.upgrade(harness.port));
      const delivered = await block(harness, peer, connection);
      const others = harness.fanout.clients.filter((client) => client !== connection);
      await turnsUntil(() => others.every(({ blocked }) => !blocked), 'the others to read');
      // The kernel may still take some of the frame, until its buffers are full: the timeout counts from the last of it.
      while (connection.open) {
        time = connection.progressAt + 999;
        harness.fanout.lag.check();
        assert.ok(connection.open);
        const { progressAt } = connection;
        time = progressAt + 1000;
        harness.fanout.lag.check();
        assert.notDeepEqual([connection.open, connection.progressAt], [true, progressAt], 'not cut off');
      }
      assert.equal(await reasonOfEnd(harness), 'slow');
      assert.equal(await harness.sample('websocket_proxy_lagged_connections'), 1);
      harness.deliver(message(delivered + 1, 10));
      await fast.received(delivered + 1);
      assert.deepEqual(
        fast.frames.map(({ payload }) => /"n":"(\d+)"/.exec(payload.toString('latin1', 0, 20))?.[1]),
        Array.from({ length: delivered + 1 }, (_, n) => String(n + 1)),
      );
      peer.socket.resume();
      await peer.end();
      assert.equal(closeOf(peer.frames), undefined);
    });

    it('that still read are told 1013 behind the frame that is half written', async () => {
      let time = 1000;
      const { harness, peer, connection } = await connect({ messageBufferSize: 5 }, () => time);
      const delivered = await block(harness, peer, connection);
      for (let n = 1; n <= 6; n += 1) {
        time += 100;
        harness.deliver(message(delivered + n, 10));
      }
      time += 1000;
      connection.progressAt = time;
      connection.catchingUp = false;
      harness.fanout.lag.check();
      assert.equal(connection.open, false);
      harness.deliver(message(delivered + 7, 10));
      peer.socket.resume();
      await peer.changes.until(() => closeOf(peer.frames) !== undefined, 'the close');
      assert.deepEqual(closeOf(peer.frames), { code: 1013, reason: 'Too slow' });
      assert.equal(count(peer.frames, OPCODE.binary), delivered);
      peer.socket.end(controlFrame(OPCODE.close, Buffer.from([0x03, 0xf5])));
      assert.equal(await reasonOfEnd(harness), 'slow');
    });
  });
});
