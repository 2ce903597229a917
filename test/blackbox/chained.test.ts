import assert from 'node:assert/strict';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { startProxy } from '../support/stack.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { usesResources } from '../support/use.ts';

describe('black box: a flashcast behind a flashcast', function () {
  this.timeout(30_000);
  const use = usesResources();

  for (const compression of ['false', 'true']) {
    it(`loses, repeats and reorders nothing when the connection is cut (compression: ${compression})`, async () => {
      const builder = use(await TestBuilder.start());
      const first = use(await startProxy([builder.url], { ENABLE_COMPRESSION: compression }));
      await first.ready();
      await builder.connected();
      const link = use(await TcpProxy.start({ port: first.port }));
      const second = use(await startProxy([`ws://127.0.0.1:${link.port}/ws`]));
      await second.ready();
      const swarm = use(await ClientSwarm.connect({ port: second.port, clients: 1 }));
      const stream = use(new PacedStream(builder, 20));
      await swarm.received(10);
      for (let cuts = 1; cuts <= 3; cuts += 1) {
        link.refuse(true);
        link.cut();
        // The stream goes on while nobody listens at the other end.
        await stream.sentMore(15);
        link.refuse(false);
        await swarm.received(stream.sent.length);
      }
      stream.stop();
      await swarm.received(stream.sent.length);
      const [client] = swarm.clients;
      assert.deepEqual(client!.positions, stream.sent);
      assert.equal(await first.metric('flashcast_resumes_total', 'outcome="complete"'), 3);
      assert.equal(await second.metric('flashcast_upstream_gaps_total', 'outcome="lost"'), 0);
    });
  }
});
