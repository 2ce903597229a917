import assert from 'node:assert/strict';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { startProxy } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

/** Compresses to a few hundred bytes, so that a thousand readers cost little while a plain reader's socket fills quickly. */
const NOTE = 'a plain message of some size. '.repeat(5000);

describe('black box: many clients', function () {
  this.timeout(60_000);
  const use = usesResources();

  it('a thousand get every message once and in order, and their pings are answered', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url], { ENABLE_COMPRESSION: 'true' }));
    await proxy.ready();
    await builder.connected();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 1000, pingEveryMs: 500 }));
    assert.ok(swarm.clients.every(({ connected }) => connected));
    const stream = use(new PacedStream(builder, 100));
    await swarm.received(50);
    stream.stop();
    await swarm.received(stream.sent.length);
    for (const client of swarm.clients) {
      assert.equal(client.fault, undefined);
      assert.equal(client.disorder, 0);
      assert.equal(client.received[0], 0);
      assert.equal(client.received.length, stream.sent.length);
      assert.ok(client.pongs > 3, `${client.pongs} pongs`);
    }
    assert.equal(await proxy.metric('websocket_proxy_active_connections'), 1000);
  });

  it('fifty of a thousand that stop reading are closed, and the others get everything in time', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url]));
    await proxy.ready();
    await builder.connected();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 950, path: '/ws?encoding=br' }));
    const readers = [...swarm.clients];
    const idle = await swarm.add({ port: proxy.port, clients: 50, path: '/ws?encoding=identity' });
    for (const client of idle) client.stopReading();
    const stream = use(new PacedStream(builder, 100, NOTE));
    const disconnected = async (): Promise<number> =>
      proxy.metric('flashcast_client_disconnects_total', 'reason="slow');
    while ((await disconnected()) < 50)
      await swarm.received(Math.min(...readers.map(({ received }) => received.length)) + 1, readers);
    stream.stop();
    await swarm.received(stream.sent.length, readers);
    assert.equal(await proxy.metric('websocket_proxy_active_connections'), 950);
    for (const client of readers) {
      assert.equal(client.closed, false);
      assert.equal(client.disorder, 0);
      assert.equal(client.received.length, stream.sent.length);
    }
    const memory = await proxy.metric('process_resident_memory_bytes');
    assert.ok(memory < 400 * 1024 * 1024, `${memory} bytes are resident`);
  });
});
