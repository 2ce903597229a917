import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { createUpstreams, type Upstreams } from '../../../ingest/upstream/upstreams.ts';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { StallDetector } from '../../../shared/stall-detector.ts';
import { TestBuilder } from '../../support/builder.ts';
import { Changes } from '../../support/changes.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { OPTIONS } from './rig.ts';

describe('all upstreams', () => {
  const use = usesResources();

  function start(upstreamWs: readonly string[]) {
    const changes = new Changes();
    const messages: UpstreamMessage[] = [];
    const ignore = (): void => undefined;
    const upstreams: Upstreams = createUpstreams(
      { ...OPTIONS, upstreamWs },
      {
        metrics: createIngestMetrics(new Registry()),
        log: { debug: ignore, info: ignore, warn: ignore },
        stall: new StallDetector(),
        onMessage: (message) => {
          messages.push(message);
          changes.notify();
        },
        onStateChange: () => {
          changes.notify();
        },
      },
    );
    upstreams.start();
    use({ [Symbol.asyncDispose]: () => upstreams.stop() });
    return { upstreams, messages, changes };
  }

  it('are dialled at once, each named by its place, and tell whose a message is', async () => {
    const builders = [use(await TestBuilder.start()), use(await TestBuilder.start())];
    const [first, second] = builders.map(({ url }) => url) as [string, string];
    const { upstreams, messages, changes } = start([first, second, first]);
    await changes.until(() => upstreams.connectedCount === 3, 'all are connected');
    assert.deepEqual(
      upstreams.list.map(({ name }) => name),
      [`127.0.0.1:${builders[0]!.port}#0`, `127.0.0.1:${builders[1]!.port}#1`, `127.0.0.1:${builders[0]!.port}#2`],
    );
    builders[0]!.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await changes.until(() => messages.length === 2, 'both connections delivered');
    assert.deepEqual(messages.map(({ upstream }) => upstream).sort(), [0, 2]);
  });

  it('live on their own: one that is away holds up no other, and comes back', async () => {
    const builder = use(await TestBuilder.start());
    const other = use(await TestBuilder.start({ reception: 503 }));
    const { upstreams, messages, changes } = start([other.url, builder.url]);
    await changes.until(() => upstreams.connectedCount === 1, 'one is connected');
    builder.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await changes.until(() => messages.length === 1, 'a message');
    assert.equal(messages[0]!.upstream, 1);
    other.reception = 'accept';
    await changes.until(() => upstreams.connectedCount === 2, 'both are connected');
    await upstreams.stop();
    await upstreams.stop();
    assert.equal(upstreams.connectedCount, 0);
  });
});
