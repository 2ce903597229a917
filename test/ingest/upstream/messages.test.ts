import assert from 'node:assert/strict';
import { brotliCompressSync, constants } from 'node:zlib';
import { contentHashOf } from '../../../shared/envelope.ts';
import { TestBuilder } from '../../support/builder.ts';
import { allSamples } from '../../support/fixtures.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { OPTIONS, Rig } from './rig.ts';

describe('messages of an upstream', () => {
  const use = usesResources();

  async function connect(options: Partial<typeof OPTIONS> = {}) {
    const builder = use(await TestBuilder.start());
    const rig = use(new Rig(builder.url, options));
    await rig.connected();
    return { builder, rig };
  }

  it('arrive byte for byte and in order from Text, Binary and brotli frames: captured, generated and odd ones', async () => {
    const { builder, rig } = await connect({ maxMessageBytes: 1_048_576 });
    const expected: Buffer[] = [];
    for (const { content, binaryOnly } of allSamples()) {
      builder.sendBinary(content);
      expected.push(content);
      if (binaryOnly) continue;
      builder.sendText(content);
      builder.sendBinary(brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }));
      expected.push(content, content);
    }
    await rig.received(expected.length);
    for (const [place, { content, contentHash }] of rig.messages.entries()) {
      assert.ok(content.equals(expected[place]!), `message ${place}`);
      assert.equal(contentHash, contentHashOf(content));
    }
    const raw = allSamples().filter(({ binaryOnly }) => binaryOnly).length;
    assert.equal(rig.messages.filter(({ kind }) => kind === 'raw').length, raw);
    assert.equal(await rig.metric('flashcast_upstream_raw_total{upstream="' + rig.upstream.name + '"}'), raw);
  });

  it('tell when they were read, by both clocks, and whether the loop had just stood still', async () => {
    const { builder, rig } = await connect();
    builder.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await rig.received(1);
    rig.clock.advance(50);
    rig.stall.recent = true;
    builder.sendText('no flashblock');
    await rig.received(2);
    const [first, second] = rig.messages;
    const now = rig.clock.now();
    assert.deepEqual(first!.head, { position: { blockNumber: 1, index: 0 }, payloadId: '0x0000000000000001' });
    assert.deepEqual([first!.readAt, second!.readAt], [now - 50, now]);
    assert.deepEqual([first!.receivedAtMs, second!.receivedAtMs], [rig.clock.unixNow() - 50, rig.clock.unixNow()]);
    assert.deepEqual([first!.afterStall, second!.afterStall], [false, true]);
    assert.deepEqual([second!.kind, second!.head, second!.upstream], ['raw', undefined, 0]);
    assert.equal(rig.upstream.lastMessageAt, now);
  });

  it('are counted as they came, and their age is told at each scrape', async () => {
    const { builder, rig } = await connect();
    const label = `{upstream="${rig.upstream.name}"}`;
    assert.equal(await rig.metric(`websocket_proxy_upstream_messages${label}`), 0);
    rig.clock.advance(1500);
    assert.equal(await rig.metric(`flashcast_upstream_last_message_age_seconds${label}`), 1.5);
    const payload = brotliCompressSync(flashblockJson({ blockNumber: 1, index: 0 }));
    builder.sendBinary(payload);
    await rig.received(1);
    rig.clock.advance(250);
    assert.equal(await rig.metric(`websocket_proxy_upstream_messages${label}`), 1);
    assert.equal(await rig.metric(`flashcast_upstream_bytes_total${label}`), payload.length);
    assert.equal(await rig.metric(`flashcast_upstream_last_message_age_seconds${label}`), 0.25);
    await rig.upstream.stop();
    assert.equal(await rig.metric(`flashcast_upstream_last_message_age_seconds${label}`), undefined);
  });

  it('that are too large are dropped and counted, told once, and cost nothing else', async () => {
    const { builder, rig } = await connect({ maxMessageBytes: 1000 });
    const large = flashblockJson({ blockNumber: 1, index: 0 }, { note: ' '.repeat(3000) });
    builder.sendText(large);
    builder.sendBinary(large);
    builder.sendBinary(brotliCompressSync(large));
    builder.sendText(flashblockJson({ blockNumber: 1, index: 1 }));
    await rig.received(1);
    assert.equal(rig.messages[0]!.head?.position.index, 1);
    assert.equal(await rig.metric(`flashcast_upstream_oversized_total{upstream="${rig.upstream.name}"}`), 3);
    assert.equal(rig.log.filter(({ message }) => message === 'upstream sent a message that is too large').length, 1);
    assert.deepEqual(rig.states, [true]);
  });

  it('that are larger than anything to be read end the connection, counted as too large, and it is dialled again', async () => {
    const { builder, rig } = await connect({ maxMessageBytes: 1000 });
    builder.sendBinary(Buffer.alloc(4000, 'x'));
    builder.sendBinary(Buffer.alloc(4001, 'x'));
    const end = await rig.logged('upstream disconnected');
    assert.equal(end['reason'], 'oversized');
    assert.equal(await rig.metric(`flashcast_upstream_oversized_total{upstream="${rig.upstream.name}"}`), 2);
    assert.equal(builder.connections[0]!.closeCode, 1009);
    rig.clock.advance(500);
    await builder.attempted(2);
  });

  it('no longer arrive once it is stopped', async () => {
    const { builder, rig } = await connect();
    builder.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    const stopped = rig.upstream.stop();
    builder.sendText(flashblockJson({ blockNumber: 1, index: 1 }));
    await stopped;
    assert.deepEqual(rig.messages, []);
    assert.equal(rig.upstream.connected, false);
  });
});
