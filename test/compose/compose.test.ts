import assert from 'node:assert/strict';
import { ClientSwarm, type SeenMessage, type SwarmClient } from '../support/client-swarm.ts';
import { ComposeStack, docker, dockerAnswers, IMAGE, needsDocker } from './docker.ts';

/** The first build of the image installs all packages twice. */
const BUILD_PATIENCE_MS = 8 * 60_000;
const TEST_PATIENCE_MS = 60_000;
const CLIENTS = 300;

/** Flashblocks of the built-in builder that nobody received: each follows its block's one before, or begins the next block. */
function missing(messages: readonly SeenMessage[]): string[] {
  const positions = messages.flatMap(({ head }) => (head?.position === undefined ? [] : [head.position]));
  return positions.slice(1).flatMap((position, at) => {
    const { blockNumber, index } = positions[at]!;
    const follows =
      (position.blockNumber === blockNumber && position.index === index + 1) ||
      (position.blockNumber === blockNumber + 1 && position.index === 0);
    return follows ? [] : [`${position.blockNumber}-${position.index} after ${blockNumber}-${index}`];
  });
}

describe('docker compose up --scale edge=3 (needs Docker and compose)', function () {
  this.timeout(TEST_PATIENCE_MS);
  const stack = new ComposeStack();
  let swarm: ClientSwarm | undefined;
  let edges: string[] = [];
  let port = 0;

  before(async function () {
    this.timeout(BUILD_PATIENCE_MS);
    await needsDocker(this);
    await stack.up(3);
    edges = await stack.containers('edge');
    port = await stack.clientPort();
    swarm = await ClientSwarm.connect({ port, clients: CLIENTS });
  });

  after(async function () {
    this.timeout(TEST_PATIENCE_MS);
    await swarm?.stop();
    if (edges.length > 0 || (await dockerAnswers())) await stack.down();
  });

  const everybody = (): ClientSwarm => {
    assert.ok(swarm !== undefined);
    return swarm;
  };
  const connected = (): SwarmClient[] => everybody().clients.filter((client) => client.connected);
  const clientsOf = (containers: readonly string[]): Promise<number[]> =>
    Promise.all(containers.map((container) => stack.clientsOf(container)));
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

  it('spreads 300 clients over the three edges, and each gets the stream once and in order', async () => {
    assert.equal(connected().length, CLIENTS);
    await everybody().received(8);
    const counts = await clientsOf(edges);
    assert.equal(counts.length, 3);
    assert.equal(sum(counts), CLIENTS);
    for (const count of counts) assert.ok(count >= 60 && count <= 140, `clients per edge: ${counts.join(', ')}`);
    assert.equal(sum(connected().map((client) => client.disorder)), 0);
  });

  it('goes on without an edge that is killed: its clients are served by the others when they come back', async () => {
    const [victim = '', ...others] = edges;
    const lost = await stack.clientsOf(victim);
    await docker(['kill', victim]);
    await everybody().changes.until(() => connected().length <= CLIENTS - lost, "the end of the killed edge's clients");
    assert.equal(connected().length, CLIENTS - lost);

    const unharmed = connected();
    const returned = await everybody().add({ port, clients: lost });
    assert.deepEqual(new Set(returned.map((client) => client.status)), new Set([101]));
    await everybody().received(5, returned);
    assert.equal(sum(await clientsOf(others)), CLIENTS);

    const soFar = Math.max(...unharmed.map((client) => client.received.length));
    await everybody().received(soFar + 5, unharmed);
    assert.equal(connected().length, CLIENTS);
    assert.equal(sum(connected().map((client) => client.disorder)), 0);
  });

  it('goes on without an ingest that is killed: nothing is lost or repeated', async () => {
    const ingests = await stack.containers('ingest');
    assert.equal(ingests.length, 2);
    const unharmed = connected();
    for (const victim of ingests) {
      await docker(['kill', victim]);
      const soFar = Math.max(...unharmed.map((client) => client.received.length));
      await everybody().received(soFar + 10, unharmed);
      await docker(['start', victim]);
      await docker(['exec', victim, 'bash', '-c', 'until healthcheck 2>/dev/null; do sleep 0.1; done']);
    }
    assert.equal(connected().length, CLIENTS);
    assert.equal(sum(connected().map((client) => client.disorder)), 0);
    assert.deepEqual(missing(everybody().messages), []);
  });

  it('gives clients to an edge that comes up', async () => {
    const [reborn = ''] = edges;
    await stack.up(3);
    const newcomers: SwarmClient[] = [];
    // HAProxy finds it within a second; until then others take the newcomers.
    while ((await stack.clientsOf(reborn)) === 0 && newcomers.length < 200)
      newcomers.push(...(await everybody().add({ port, clients: 5 })));
    assert.ok((await stack.clientsOf(reborn)) > 0, `none of ${newcomers.length} clients reached the new edge`);
    await everybody().received(3, newcomers);
  });

  it('closes every client with 1001 when it is stopped, and every program ends with status 0', async () => {
    const clients = connected();
    await stack.compose('stop');
    await everybody().closed(clients);
    assert.deepEqual(new Set(clients.map((client) => client.closeCode)), new Set([1001]));
    const ends = await stack.compose('ps', '-a', '--format', '{{.Service}} {{.State}} {{.ExitCode}}');
    assert.deepEqual(
      new Set(ends.split('\n')),
      new Set(['builder', 'edge', 'haproxy', 'ingest', 'redis'].map((service) => `${service} exited 0`)),
    );
  });
});

describe('the image (needs Docker and compose)', function () {
  this.timeout(TEST_PATIENCE_MS);
  let container: string | undefined;

  before(async function () {
    this.timeout(BUILD_PATIENCE_MS);
    await needsDocker(this);
    await docker(['build', '-q', '-t', IMAGE, '.']);
  });

  afterEach(async () => {
    if (container !== undefined) await docker(['rm', '-f', container]);
    container = undefined;
  });

  it('runs without root on a read-only root, is healthy, and ends with status 0 on SIGTERM', async () => {
    container = await docker(['run', '-d', '--read-only', '--cap-drop', 'ALL', IMAGE, 'proxy', '--demo']);
    // The healthcheck refuses until the operations server listens.
    await docker(['exec', container, 'bash', '-c', 'until healthcheck 2>/dev/null; do sleep 0.1; done']);
    assert.equal(await docker(['exec', container, 'id', '-u']), '10001');
    await docker(['stop', '--time', '20', container]);
    assert.equal(await docker(['inspect', '-f', '{{.State.ExitCode}}', container]), '0');
  });

  it('is unhealthy when the event loop stands still', async () => {
    container = await docker(['run', '-d', IMAGE, 'proxy', '--demo', '--metrics-addr', '0.0.0.0:9100']);
    await docker(['exec', container, 'bash', '-c', 'until healthcheck 2>/dev/null; do sleep 0.1; done']);
    // tini is process 1; the program is its only child.
    await docker(['exec', container, 'bash', '-c', 'kill -STOP "$(cat /proc/1/task/1/children)"']);
    await assert.rejects(docker(['exec', container, 'healthcheck']));
  });

  it('says what is wrong with its settings and ends with status 2', async () => {
    await assert.rejects(docker(['run', '--rm', IMAGE, 'proxy', '--listen-adr', 'x']), { code: 2 });
  });
});
