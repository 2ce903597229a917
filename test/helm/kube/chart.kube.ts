import assert from 'node:assert/strict';
import { BaseNodeFleet } from '../../support/base-node-fleet.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { HELM, needTool } from '../support/go-tool.ts';
import { asText, at, type JsonObject } from '../support/json.ts';
import { Cluster } from './cluster.ts';

/** A rollout of three edges that drain one after the other. */
const PATIENCE_MS = 6 * 60_000;
const NODES = 200;
/** Messages that every client must have had behind an event: five seconds of stream. */
const BEHIND = 25;

/** Seconds with a decimal, for people. */
function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function edgeLabels(component: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'flashcast',
    'app.kubernetes.io/instance': 'flash',
    'app.kubernetes.io/component': component,
  };
}

describe('the Helm chart on Kubernetes', function () {
  this.timeout(PATIENCE_MS);
  let cluster: Cluster;
  let relay: TcpProxy | undefined;
  let fleet: BaseNodeFleet | undefined;

  before(async function () {
    cluster = new Cluster(await needTool(this, HELM));
    this.timeout(PATIENCE_MS);
    await cluster.deleteNamespace();
    await cluster.createNamespace();
  });

  after(async () => {
    await fleet?.stop();
    await relay?.[Symbol.asyncDispose]();
    await cluster.deleteNamespace();
  });

  const nodes = (): BaseNodeFleet => {
    assert.ok(fleet !== undefined, 'the clients are not there');
    return fleet;
  };

  /** Waits until all are connected and have had so many messages more, then tells what they lost, repeated or had in a wrong order. */
  async function settled(): Promise<void> {
    const { changes } = nodes();
    const all = nodes().nodes;
    const away = (): number => all.filter(({ connected }) => !connected).length;
    await changes.until(
      () => away() === 0,
      () => `${away()} of ${all.length} clients`,
      PATIENCE_MS,
    );
    const goal = nodes().table.messages.length + BEHIND;
    const behind = (): number => all.filter(({ received }) => (received.at(-1) ?? 0) < goal).length;
    await changes.until(
      () => behind() === 0,
      () => `message ${goal} at ${behind()} clients`,
      PATIENCE_MS,
    );
    let [lost, repeated] = [0, 0];
    for (const { received } of all) {
      for (let position = 1; position < received.length; position++) {
        const step = received[position]! - received[position - 1]!;
        if (step > 1) lost += step - 1;
        if (step < 1) repeated++;
      }
    }
    assert.deepEqual({ lost, repeated }, { lost: 0, repeated: 0 });
    assert.equal(
      all.reduce((sum, { violations }) => sum + violations, 0),
      0,
      'violations of the order',
    );
  }

  it('installs with its bundled Redis and the simulator, its pods under the security level restricted', async () => {
    const begin = performance.now();
    await cluster.upgrade();
    const pods = await cluster.objects('pods');
    assert.equal(pods.length, 5);
    for (const pod of pods) {
      assert.equal(at(pod, 'status.phase'), 'Running');
      assert.equal(at(pod, 'status.containerStatuses.0.restartCount'), 0, asText(at(pod, 'metadata.name')));
    }
    console.log(`        ready after ${seconds(begin)}`);
  });

  it('passes helm test, which leaves nothing behind', async () => {
    assert.match(await cluster.test(), /Phase:\s+Succeeded/);
    assert.deepEqual(await cluster.pods('test'), []);
  });

  it('scales edges from 1 to 3 and touches neither ingest, Redis nor the edge that is there', async () => {
    const others = async (): Promise<readonly string[]> =>
      (await Promise.all(['ingest', 'redis', 'simulator'].map((one) => cluster.pods(one)))).flat();
    const [before, [first = '']] = [await others(), await cluster.pods('edge')];
    const begin = performance.now();
    await cluster.upgrade('edge.replicas=3');
    const edges = await cluster.pods('edge');
    assert.equal(edges.length, 3);
    assert.ok(edges.includes(first));
    assert.deepEqual(await others(), before);
    console.log(`        3 edges after ${seconds(begin)}`);
  });

  it('serves clients through the Service of the edges', async () => {
    relay = await TcpProxy.start({ host: await cluster.serviceAddress('edge'), port: 8545 });
    const url = `ws://127.0.0.1:${relay.port}/ws`;
    fleet = await BaseNodeFleet.connect({ nodes: NODES, url: () => url });
    await settled();
  });

  it('rolls every edge under 200 resuming clients with 0 lost and 0 repeated', async () => {
    const [edges, ingests] = [await cluster.pods('edge'), await cluster.pods('ingest')];
    const begin = performance.now();
    await cluster.upgrade('edge.replicas=3', 'edge.config.messageBufferSize=30');
    const after = await cluster.pods('edge');
    assert.deepEqual(
      after.filter((name) => edges.includes(name)),
      [],
    );
    assert.deepEqual(await cluster.pods('ingest'), ingests);
    await settled();
    const closes = nodes().nodes.flatMap(({ closes: one }) => [...one]);
    const told = new Map<number, number>();
    for (const [code, count] of closes) told.set(code, (told.get(code) ?? 0) + count);
    // On a busy machine clients wait too long for a Pong and leave by themselves: told, as what counts is that none loses anything.
    const gaveUp = nodes().nodes.reduce((sum, { pongTimeouts }) => sum + pongTimeouts, 0);
    const longest = Math.max(...nodes().nodes.map(({ longestGapMs }) => longestGapMs));
    console.log(
      `        rolled out in ${seconds(begin)}; closes ${JSON.stringify([...told])}, pong timeouts ${gaveUp}; longest silence of a client ${longest.toFixed(0)} ms`,
    );
    assert.ok([...told.values()].reduce((sum, count) => sum + count, 0) >= NODES, 'every client moved');
  });

  it('goes on without an ingest that is killed, with 0 lost', async () => {
    const [victim = ''] = await cluster.pods('ingest');
    await cluster.kubectl('delete', 'pod', victim, '--grace-period=0', '--force');
    await settled();
    await cluster.rolledOut('ingest');
  });

  it('goes on without an edge that is deleted, and without one that is killed', async () => {
    const [drained = '', killed = ''] = await cluster.pods('edge');
    await cluster.kubectl('delete', 'pod', drained);
    await cluster.rolledOut('edge');
    await settled();
    await cluster.kubectl('delete', 'pod', killed, '--grace-period=0', '--force');
    await cluster.rolledOut('edge');
    await settled();
  });

  it('lets no more than one edge go when the node is drained', async () => {
    const [node] = await cluster.objects('nodes');
    const name = asText(at(node, 'metadata.name'));
    const edges = await cluster.pods('edge');
    try {
      const { ok, text } = await cluster.attempt(
        ...['drain', name, '--ignore-daemonsets', '--timeout=25s'],
        '--pod-selector=app.kubernetes.io/component=edge',
      );
      assert.equal(ok, false, 'a cordoned node has no room for successors');
      assert.match(text, /disruption budget/);
      const ready = (await cluster.pods('edge')).filter((edge) => edges.includes(edge));
      assert.equal(ready.length, 2);
      await settled();
    } finally {
      await cluster.kubectl('uncordon', name);
    }
    await cluster.rolledOut('edge');
  });

  it('refuses with NetworkPolicies what no component needs', async () => {
    const [redis, edge, metrics] = [
      await cluster.serviceAddress('redis'),
      await cluster.serviceAddress('edge'),
      asText(at((await cluster.objects('pods', '--selector=app.kubernetes.io/component=edge'))[0], 'status.podIP')),
    ];
    assert.equal(await cluster.canConnect({}, redis, 6379), false, 'a stranger at Redis');
    assert.equal(await cluster.canConnect(edgeLabels('edge'), redis, 6379), true, 'an edge at Redis');
    assert.equal(await cluster.canConnect({}, edge, 8545), true, 'a stranger as a client');
    assert.equal(await cluster.canConnect({}, metrics, 9000), false, 'a stranger at the metrics');
    assert.equal(await cluster.canConnect(edgeLabels('redis'), edge, 8545), false, 'Redis at an edge');
  });

  it('scales edges by their load, out and back', async () => {
    const scaling = {
      enabled: 'true',
      minReplicas: '1',
      maxReplicas: '3',
      targetCPUUtilizationPercentage: '50',
      'behavior.scaleDown.stabilizationWindowSeconds': '0',
      'behavior.scaleDown.policies[0].type': 'Pods',
      'behavior.scaleDown.policies[0].value': '2',
      'behavior.scaleDown.policies[0].periodSeconds': '15',
    };
    const sets = [
      'edge.resources.requests.cpu=60m',
      ...Object.entries(scaling).map(([key, value]) => `edge.autoscaling.${key}=${value}`),
    ];
    const begin = performance.now();
    await cluster.upgrade(...sets);
    const replicas = async (count: number): Promise<void> => {
      const deployment = 'deployment/flash-flashcast-edge';
      await cluster.kubectl('wait', deployment, `--for=jsonpath={.status.readyReplicas}=${count}`, '--timeout=330s');
    };
    await replicas(3);
    console.log(`        out to 3 edges under ${NODES} clients, after ${seconds(begin)}`);
    await settled();
    await fleet?.stop();
    fleet = undefined;
    await replicas(1);
    console.log(`        back to 1 without clients, after ${seconds(begin)}`);
  }).timeout(2 * PATIENCE_MS);

  it('keeps the password of its Redis over all these upgrades', async () => {
    const pods: readonly JsonObject[] = await cluster.objects('pods', '--selector=app.kubernetes.io/component=redis');
    assert.equal(pods.length, 1);
    assert.equal(at(pods[0], 'status.containerStatuses.0.restartCount'), 0);
    assert.match(await cluster.test(), /Phase:\s+Succeeded/);
  });

  it('leaves nothing when it is uninstalled', async () => {
    await cluster.uninstall();
    const kinds =
      'all,secrets,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies,horizontalpodautoscalers,persistentvolumeclaims,roles,rolebindings';
    const left = (await cluster.objects(kinds)).map(
      ({ kind, metadata }) => `${asText(kind)} ${asText(at(metadata, 'name'))}`,
    );
    // What every namespace has.
    assert.deepEqual(left.sort(), ['ConfigMap kube-root-ca.crt', 'ServiceAccount default']);
  });
});
