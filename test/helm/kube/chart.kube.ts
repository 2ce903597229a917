import assert from 'node:assert/strict';
import { HELM, needTool } from '../support/go-tool.ts';
import { asText, at, type JsonObject } from '../support/json.ts';
import { Clients, describeSeen } from './clients.ts';
import { Cluster, labelsOf } from './cluster.ts';
import { holds } from './probe.ts';

/** A rollout of three edges that drain one after the other, forth and back. */
const PATIENCE_MS = 8 * 60_000;
const CLIENTS = 200;
/** For one edge alone they are load enough to be told from none: some 80m of CPU. */
const CLIENTS_FOR_LOAD = 400;

/** Seconds with a decimal, for people. */
function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

describe('the Helm chart on Kubernetes', function () {
  this.timeout(PATIENCE_MS);
  // Each step begins where the one before ended.
  this.bail(true);
  const begin = performance.now();
  const figures: (readonly [step: string, figures: string])[] = [];
  let cluster: Cluster;
  let clients: Clients | undefined;

  before(async function () {
    cluster = new Cluster(await needTool(this, HELM));
    this.timeout(PATIENCE_MS);
    assert.equal((await cluster.objects('nodes')).length, 1, 'nodes, as one is drained');
    await cluster.deleteNamespace();
    await cluster.createNamespace();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.log(await cluster.state());
  });

  after(async () => {
    await clients?.stop();
    await cluster.deleteNamespace();
    console.log(`\n  Figures, ${CLIENTS} clients, ${seconds(begin)} in all`);
    for (const [step, text] of figures) console.log(`    ${step}: ${text}`);
  });

  const theClients = (): Clients => {
    assert.ok(clients !== undefined, 'the clients are not there');
    return clients;
  };

  /** Waits until all clients go on, and keeps what they saw. */
  async function settled(step: string, more = ''): Promise<void> {
    const seen = await theClients().settled();
    figures.push([step, `${more === '' ? '' : `${more}; `}${describeSeen(seen)}`]);
  }

  it('installs with its bundled Redis and the simulator, where pods must be restricted and no traffic is allowed', async () => {
    const { ok, text } = await cluster.attempt('run', 'unrestricted', '--image=none', '--restart=Never');
    assert.ok(!ok && text.includes('violates PodSecurity "restricted'), text);
    const started = performance.now();
    await cluster.upgrade();
    const pods = await cluster.objects('pods');
    assert.equal(pods.length, 5);
    for (const pod of pods) {
      assert.equal(at(pod, 'status.phase'), 'Running');
      assert.equal(at(pod, 'status.containerStatuses.0.restartCount'), 0, asText(at(pod, 'metadata.name')));
    }
    figures.push(['install', `5 pods ready after ${seconds(started)}`]);
  });

  it('passes helm test, which leaves nothing behind', async () => {
    const started = performance.now();
    assert.match(await cluster.test(), /Phase:\s+Succeeded/);
    assert.deepEqual(await cluster.pods('test'), []);
    figures.push(['helm test', `passed after ${seconds(started)}`]);
  });

  it('scales edges from 1 to 3 and touches neither ingest, Redis nor the edge that is there', async () => {
    const others = async (): Promise<readonly string[]> =>
      (await Promise.all(['ingest', 'redis', 'simulator'].map((one) => cluster.pods(one)))).flat();
    const [before, [first = '']] = [await others(), await cluster.pods('edge')];
    const started = performance.now();
    await cluster.upgrade('edge.replicas=3');
    const edges = await cluster.pods('edge');
    assert.equal(edges.length, 3);
    assert.ok(edges.includes(first));
    assert.deepEqual(await others(), before);
    figures.push(['edges from 1 to 3', `ready after ${seconds(started)}`]);
  });

  it('serves clients through the Service of the edges', async () => {
    clients = await Clients.connect(CLIENTS, await cluster.edgesFromOutside());
    await settled('first stream');
  });

  it('rolls every edge under 200 resuming clients with 0 lost and 0 repeated, and rolls it back', async () => {
    const ingests = await cluster.pods('ingest');
    const roll = async (step: string, how: () => Promise<void>): Promise<void> => {
      const edges = await cluster.pods('edge');
      const started = performance.now();
      await how();
      await cluster.gone(edges);
      const took = seconds(started);
      const seen = await theClients().settled();
      figures.push([step, `took ${took}; ${describeSeen(seen)}`]);
      const moved = seen.closes.get(1001) ?? 0;
      assert.ok(moved >= CLIENTS, `every client was moved: ${moved}`);
    };
    await roll('rolling upgrade of 3 edges', () =>
      cluster.upgrade('edge.replicas=3', 'edge.config.messageBufferSize=30'),
    );
    await roll('rollback', () => cluster.rollback());
    assert.deepEqual(await cluster.pods('ingest'), ingests);
  });

  it('goes on without an ingest that is killed or deleted, with 0 lost', async () => {
    const [killed = '', deleted = ''] = await cluster.pods('ingest');
    await cluster.kill(killed);
    await settled('an ingest killed');
    await cluster.kubectl('delete', 'pod', deleted, '--grace-period=0', '--force');
    await settled('an ingest deleted by force');
    await cluster.rolledOut('ingest');
  });

  it('goes on without an edge that is deleted, and without one that is killed', async () => {
    const [drained = '', killed = ''] = await cluster.pods('edge');
    const started = performance.now();
    await cluster.kubectl('delete', 'pod', drained);
    const took = seconds(started);
    await cluster.rolledOut('edge');
    await settled('an edge deleted', `gone after ${took}`);
    await cluster.kill(killed);
    await settled('an edge killed');
  });

  it('lets no more than one edge and one ingest go when the node is drained', async () => {
    const [node] = await cluster.objects('nodes');
    const name = asText(at(node, 'metadata.name'));
    const [edges, ingests] = [await cluster.pods('edge'), await cluster.pods('ingest')];
    const left = async (component: string, before: readonly string[]): Promise<number> =>
      (await cluster.pods(component)).filter((pod) => before.includes(pod)).length;
    try {
      const { ok, text } = await cluster.attempt(
        ...['drain', name, '--ignore-daemonsets', '--timeout=25s'],
        '--pod-selector=app.kubernetes.io/component in (edge,ingest)',
      );
      assert.equal(ok, false, 'a cordoned node has no room for successors');
      assert.match(text, /disruption budget/);
      assert.deepEqual([await left('edge', edges), await left('ingest', ingests)], [2, 1]);
      await settled('drain of the node', '2 of 3 edges and 1 of 2 ingests stayed');
    } finally {
      await cluster.kubectl('uncordon', name);
    }
    await cluster.rolledOut('edge');
    await cluster.rolledOut('ingest');
  });

  it('refuses with NetworkPolicies what no component needs', async () => {
    const [pod] = await cluster.objects('pods', '--selector=app.kubernetes.io/component=edge');
    const [redis, edge, metrics] = [
      { host: await cluster.serviceAddress('redis'), port: 6379 },
      { host: await cluster.serviceAddress('edge'), port: 8545 },
      { host: asText(at(pod, 'status.podIP')), port: 9000 },
    ];
    const started = performance.now();
    const stranger = { stranger: 'yes' };
    const probes = {
      'a stranger is refused at Redis': { from: stranger, ...redis, allowed: false },
      'an edge is let to Redis': { from: labelsOf('edge'), ...redis, allowed: true },
      'a stranger is let in as a client': { from: stranger, ...edge, allowed: true },
      'a stranger is refused at the metrics': { from: stranger, ...metrics, allowed: false },
      'Redis is refused at an edge': { from: labelsOf('redis'), ...edge, allowed: false },
    };
    const held = await Promise.all(
      Object.entries(probes).map(async ([what, probe]) => [what, await holds(cluster, probe)] as const),
    );
    assert.deepEqual(
      held.filter(([, ok]) => !ok).map(([what]) => what),
      [],
    );
    figures.push(['network policies', `${held.length} probes in ${seconds(started)}`]);
  });

  it('scales edges by their load, out and back', async () => {
    const stop = async (): Promise<void> => {
      await clients?.stop();
      clients = undefined;
    };
    const scaling = {
      enabled: 'true',
      minReplicas: '1',
      maxReplicas: '2',
      // Of 80m: 44m. Two idle edges, of 14m to 18m each, fit into what one may take, so that one goes; one with 200 clients takes 50m,
      // which an autoscaler's tolerance of a tenth would still let pass, and with 400 half as much again as is aimed at and more.
      targetCPUUtilizationPercentage: '55',
      'behavior.scaleDown.stabilizationWindowSeconds': '0',
      'behavior.scaleDown.policies[0].type': 'Pods',
      'behavior.scaleDown.policies[0].value': '2',
      'behavior.scaleDown.policies[0].periodSeconds': '15',
    };
    await stop();
    const sets = Object.entries(scaling).map(([key, value]) => `edge.autoscaling.${key}=${value}`);
    // Three edges would become one before the autoscaler acts.
    await assert.rejects(cluster.upgrade(...sets), /2 of 3 edges would drain/);
    await cluster.upgrade('edge.resources.requests.cpu=80m', 'edge.autoscaling.acceptScaleIn=true', ...sets);
    await cluster.edgesReady(1);
    const idle = await cluster.cpuOfEdges();
    const started = performance.now();
    clients = await Clients.connect(CLIENTS_FOR_LOAD, await cluster.edgesFromOutside());
    await cluster.edgesReady(2);
    const [out, busy] = [seconds(started), await cluster.cpuOfEdges()];
    await settled(
      'scaled out by load',
      `1 to 2 edges after ${out} with ${CLIENTS_FOR_LOAD} clients, CPU from ${idle} to ${busy} of the request, 55% aimed at`,
    );
    const calm = performance.now();
    await stop();
    await cluster.edgesReady(1);
    figures.push(['scaled back without it', `2 to 1 after ${seconds(calm)}`]);
  }).timeout(2 * PATIENCE_MS);

  it('keeps the password of its Redis over all these upgrades', async () => {
    const pods: readonly JsonObject[] = await cluster.objects('pods', '--selector=app.kubernetes.io/component=redis');
    assert.equal(pods.length, 1);
    assert.equal(at(pods[0], 'status.containerStatuses.0.restartCount'), 0);
    assert.match(await cluster.test(), /Phase:\s+Succeeded/);
  });

  it('leaves nothing when it is uninstalled', async () => {
    const started = performance.now();
    await cluster.uninstall();
    const kinds =
      'all,secrets,configmaps,serviceaccounts,poddisruptionbudgets,networkpolicies,horizontalpodautoscalers,persistentvolumeclaims,roles,rolebindings';
    const left = (await cluster.objects(kinds)).map(
      ({ kind, metadata }) => `${asText(kind)} ${asText(at(metadata, 'name'))}`,
    );
    // What was there before.
    assert.deepEqual(left.sort(), [
      'ConfigMap kube-root-ca.crt',
      'NetworkPolicy default-deny',
      'ServiceAccount default',
    ]);
    figures.push(['uninstall', `nothing left after ${seconds(started)}`]);
  });
});
