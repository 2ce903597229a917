import assert from 'node:assert/strict';
import { usesResources } from '../support/use.ts';
import { Chart, MINIMAL } from './support/chart.ts';
import { FakeCluster } from './support/fake-cluster.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { over, type JsonObject } from './support/json.ts';

const AUTOSCALED: JsonObject = { edge: { autoscaling: { enabled: true } } };
const ACCEPTED: JsonObject = { edge: { autoscaling: { acceptScaleIn: true } } };

describe('what the Helm chart does about a switch between autoscaling and replicas (needs helm, or Go to build it)', () => {
  const use = usesResources();
  let chart: Chart;

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
  });

  /** What helm says to an upgrade of a release that runs so many edges, and has such an autoscaler; empty when nothing. */
  async function upgrade(
    values: JsonObject,
    running: { readonly edges: number; readonly scaler?: string },
    flags: readonly string[] = ['--is-upgrade'],
  ): Promise<string> {
    const cluster = use(await FakeCluster.start());
    const object = (kind: string, apiVersion: string): JsonObject => ({
      ...{ kind, apiVersion, metadata: { name: 'any' }, spec: { replicas: running.edges } },
    });
    cluster.objects.set('stream/deployments/r-flashcast-edge', object('Deployment', 'apps/v1'));
    if (running.scaler !== undefined) {
      const scaler = object('HorizontalPodAutoscaler', 'autoscaling/v2');
      cluster.objects.set(`stream/horizontalpodautoscalers/${running.scaler}`, scaler);
    }
    const { stderr } = await chart.template(over(MINIMAL, values), [], [...cluster.flags, ...flags]);
    return stderr;
  }

  it('refuses to turn autoscaling on while many edges run, as all but one would drain', async () => {
    const words = await upgrade(AUTOSCALED, { edges: 30 });
    assert.match(words, /reads as 1: 29 of 30 edges would drain until the autoscaler acts/);
    assert.match(
      await upgrade({ edge: { keda: { enabled: true } } }, { edges: 2 }),
      /1 of 2 edges would drain until the autoscaler acts/,
    );
  });

  it('refuses to turn it off with fewer edges than run', async () => {
    const said =
      /edge\.replicas \(3\): turning autoscaling off would drain 17 of the 20 edges that run; expected edge\.replicas=20/;
    assert.match(await upgrade({}, { edges: 20, scaler: 'r-flashcast-edge' }), said);
    assert.match(await upgrade({}, { edges: 20, scaler: 'keda-hpa-r-flashcast-edge' }), said);
  });

  it('lets both be where nothing drains, and where that is accepted', async () => {
    assert.equal(await upgrade(AUTOSCALED, { edges: 1 }), '');
    assert.equal(await upgrade({ edge: { replicas: 20 } }, { edges: 20, scaler: 'r-flashcast-edge' }), '');
    assert.equal(await upgrade(over(AUTOSCALED, ACCEPTED), { edges: 30 }), '');
    assert.equal(await upgrade(ACCEPTED, { edges: 20, scaler: 'r-flashcast-edge' }), '');
  });

  it('is in the way of no other upgrade, nor of an installation', async () => {
    assert.equal(await upgrade(AUTOSCALED, { edges: 30, scaler: 'r-flashcast-edge' }), '');
    assert.equal(await upgrade({ edge: { replicas: 2 } }, { edges: 30 }), '');
    assert.equal(await upgrade(AUTOSCALED, { edges: 30 }, []), '');
  });
});
