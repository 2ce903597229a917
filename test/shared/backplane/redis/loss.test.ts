import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { BackplaneUnavailableError, type StreamPublisher } from '../../../../shared/backplane/backplane.ts';
import { Writer, draft, drafts, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { RedisRelay } from '../../../support/redis-relay.ts';
import { redisOrigin, startRedisServer, type RedisServer } from '../../../support/redis.ts';

/** Lets a test wait for the next change of a publisher's availability. */
function watch(publisher: StreamPublisher): { until(available: boolean): Promise<void>; readonly told: boolean[] } {
  const events = new EventEmitter();
  const told: boolean[] = [];
  publisher.onAvailable((available) => {
    told.push(available);
    events.emit('told');
  });
  return {
    told,
    until: async (available) => {
      while (told.at(-1) !== available) await once(events, 'told');
    },
  };
}

describe('a backplane whose Redis gets lost', function () {
  this.timeout(30_000);
  let server: RedisServer;
  let harness: RedisHarness;
  const relays: RedisRelay[] = [];

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
    server = await startRedisServer();
  });
  after(() => (server as RedisServer | undefined)?.stop());
  beforeEach(() => {
    harness = new RedisHarness(server.url);
  });
  afterEach(async () => {
    await harness.close();
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  });

  /** Harness whose connections pass a relay; its client for looking at things does not. */
  async function throughRelay(): Promise<{
    relay: RedisRelay;
    publisher: StreamPublisher;
    relayed: Pick<RedisHarness, 'source'>;
  }> {
    const relay = await RedisRelay.start(server.port);
    relays.push(relay);
    const relayed = harness.through(relay.url);
    return { relay, publisher: await startPublisher(relayed.publisher()), relayed };
  }

  const killClients = async (name: string) => {
    const list = String(await harness.client.call('CLIENT', 'LIST'));
    const ids = Array.from(list.matchAll(/^id=(\d+).* name=([^ ]*)/gm)).flatMap(([, id, found]) =>
      found === `${harness.options.redisKeyPrefix}:${name}` ? [id ?? ''] : [],
    );
    assert.ok(ids.length > 0);
    for (const id of ids) await harness.client.call('CLIENT', 'KILL', 'ID', id);
  };

  it('reports a killed connection of a publisher, and publishes again after its return', async () => {
    const publisher = await startPublisher(harness.publisher());
    const availability = watch(publisher);
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    await killClients('publisher');
    await availability.until(false);
    await availability.until(true);
    assert.deepEqual(results(await writer.publish(draft(1))), [2]);
    assert.match(await harness.registry.metrics(), /^flashcast_redis_reconnects_total 1$/m);
  });

  for (const name of ['subscription', 'source']) {
    it(`reports a killed ${name} connection of a source, which then hears what is published and reads what it missed`, async () => {
      const writer = new Writer(await startPublisher(harness.publisher()));
      const source = harness.source();
      const recorder = await startSource(source);
      await killClients(name);
      await recorder.until(({ availability }) => availability.length === 3);
      assert.deepEqual(recorder.availability, [true, false, true]);

      await writer.publish(...drafts(2));
      await recorder.messages(2);
      assert.deepEqual(
        (await source.readAfter(0)).envelopes.map(({ sequence }) => sequence),
        [1, 2],
      );
    });
  }

  it('rejects a publish whose answer is lost, sends it once, and recognises it when it is sent again', async () => {
    const { relay, publisher } = await throughRelay();
    const availability = watch(publisher);
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const recorder = await startSource(harness.source());

    relay.loseAnswers(true);
    const requests = drafts(3, 1).map((one) => writer.request(one));
    const sent = requests.map((request) => assert.rejects(writer.send(request), BackplaneUnavailableError));
    await recorder.messages(3);
    relay.loseAnswers(false);
    relay.cut();
    await Promise.all(sent);
    await availability.until(true);

    const again = await Promise.all(requests.map((request) => writer.send(request)));
    assert.deepEqual(
      again.map((outcome) => outcome.result === 'published' && [outcome.sequence, outcome.repeated]),
      [
        [2, true],
        [3, true],
        [4, true],
      ],
    );
    await writer.publish(draft(4));
    assert.deepEqual(
      (await recorder.messages(4)).map(({ sequence }) => sequence),
      [2, 3, 4, 5],
    );
  });

  it('gives up connections that went silent, and comes back', async () => {
    const { relay, publisher, relayed } = await throughRelay();
    const availability = watch(publisher);
    const recorder = await startSource(relayed.source());
    relay.loseAnswers(true);
    const rejected = assert.rejects(publisher.readState(), BackplaneUnavailableError);
    await Promise.all([availability.until(false), recorder.until((seen) => seen.availability.at(-1) === false)]);
    await rejected;
    relay.loseAnswers(false);
    await Promise.all([availability.until(true), recorder.until((seen) => seen.availability.at(-1) === true)]);
    assert.match(harness.logs.text, /Redis does not answer/);
  });

  it('gives up a server that accepts connections and never greets', async () => {
    const { relay, publisher } = await throughRelay();
    const availability = watch(publisher);
    relay.loseAnswers(true);
    relay.cut();
    await availability.until(false);
    while (!harness.logs.text.includes('Redis does not answer')) await once(harness.logs.events, 'line');
    relay.loseAnswers(false);
    await availability.until(true);
  });

  it('does not take its own standstill for a silent Redis', async () => {
    const publisher = await startPublisher(harness.publisher());
    const recorder = await startSource(harness.source());
    const availability = watch(publisher);
    const pending = publisher.readState();
    const still = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(still, 0, 0, 2500);
    await pending;
    await publisher.readState();
    assert.deepEqual(availability.told, [true]);
    assert.deepEqual(recorder.availability, [true]);
  });

  it('is unavailable while Redis is paused', async () => {
    const publisher = await startPublisher(harness.publisher());
    const availability = watch(publisher);
    await server.pause();
    await availability.until(false);
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    await server.resume();
    await availability.until(true);
    assert.equal(await publisher.readState(), undefined);
  });

  it('goes on after Redis was killed and has come back empty, with the numbers going on', async () => {
    const publisher = await startPublisher(harness.publisher());
    const recorder = await startSource(harness.source());
    const availability = watch(publisher);
    const writer = new Writer(publisher);
    await writer.publish(...drafts(3));
    // Redis may answer a publish before it writes the message to those who listen.
    await recorder.messages(3);
    await server.kill();
    await Promise.all([availability.until(false), recorder.until((seen) => seen.availability.at(-1) === false)]);
    await server.restart();
    await Promise.all([availability.until(true), recorder.until((seen) => seen.availability.at(-1) === true)]);

    writer.seed = undefined;
    const refused = await writer.send(writer.request(draft(3)));
    assert.deepEqual(refused, { result: 'refused', reason: 'missing', state: undefined });
    writer.adopt(undefined);
    writer.seed = { epoch: 'c'.repeat(32), recent: [], previousEpoch: 'd'.repeat(32), previousSequence: 3 };
    assert.deepEqual(results(await writer.publish(draft(3))), [4]);
    assert.equal((await recorder.messages(4))[3]?.epoch, 'c'.repeat(32));
  });

  it('starts while Redis is away, and becomes available when it comes', async () => {
    await server.kill();
    const publisher = harness.publisher();
    const source = harness.source();
    const availability = watch(publisher);
    await publisher.start();
    await source.start({ message: () => undefined, unknownVersion: () => undefined, available: () => undefined });
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    await server.restart();
    await availability.until(true);
    assert.equal(await publisher.readState(), undefined);
  });
});
