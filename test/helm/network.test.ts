import assert from 'node:assert/strict';
import { Chart, MINIMAL, type Rendering } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, listAt, over, type Json, type JsonObject, asText } from './support/json.ts';

const ENABLED = over(MINIMAL, { networkPolicy: { enabled: true } });

/** What a rule of a policy says: `8545 from everybody`, `6379 to redis`. */
function describeRule(rule: JsonObject, direction: 'from' | 'to'): string {
  const ports = listAt(rule, 'ports').map(({ port }) => asText(port));
  const peers = listAt(rule, direction).map((peer) =>
    asText(
      at(peer, 'ipBlock.cidr') ??
        (at(peer, 'podSelector.matchLabels') as JsonObject | undefined)?.['app.kubernetes.io/component'] ??
        (at(peer, 'namespaceSelector.matchLabels') as JsonObject | undefined)?.['kubernetes.io/metadata.name'],
    ),
  );
  return `${ports.join(',') || 'any port'} ${direction} ${peers.join(',') || 'everybody'}`;
}

function rules(rendering: Rendering, component: string): Readonly<Record<'ingress' | 'egress', readonly string[]>> {
  const policy = rendering.get('NetworkPolicy', component);
  assert.deepEqual(policy.at('spec.policyTypes'), ['Ingress', 'Egress']);
  return {
    ingress: listAt(policy.json, 'spec.ingress').map((rule) => describeRule(rule, 'from')),
    egress: listAt(policy.json, 'spec.egress').map((rule) => describeRule(rule, 'to')),
  };
}

describe('the network of the Helm chart (needs helm, or Go to build it)', () => {
  let chart: Chart;

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
  });

  it('has no policies unless they are asked for', async () => {
    assert.deepEqual((await chart.render(MINIMAL)).of('NetworkPolicy'), []);
  });

  it('lets everybody to the clients’ port, monitoring to the metrics, edges to Redis and DNS', async () => {
    const rendering = await chart.render(ENABLED);
    assert.deepEqual(rules(rendering, 'edge'), {
      ingress: ['8545 from everybody', '9000 from monitoring'],
      egress: ['53,53 to everybody', '6379 to redis'],
    });
    assert.deepEqual(rules(rendering, 'redis'), { ingress: ['6379 from ingest,edge'], egress: [] });
    assert.deepEqual(rules(rendering, 'simulator'), { ingress: ['8546 from ingest'], egress: [] });
    assert.deepEqual(rules(rendering, 'ingest'), {
      ingress: ['9000 from monitoring'],
      egress: ['53,53 to everybody', '6379 to redis', '8546 to simulator'],
    });
  });

  it('lets ingest to builders anywhere, or where and on which ports they are said to be', async () => {
    const external = { upstreams: { uris: ['wss://b.example'] }, externalRedis: { url: 'redis://r' } };
    const wide = await chart.render({ ...external, networkPolicy: { enabled: true } });
    assert.deepEqual(rules(wide, 'ingest').egress, [
      '53,53 to everybody',
      '6379,26379 to everybody',
      'any port to 0.0.0.0/0,::/0',
    ]);
    const narrow = await chart.render({
      ...external,
      networkPolicy: {
        enabled: true,
        upstreamsTo: [{ ipBlock: { cidr: '198.51.100.0/24' } }],
        upstreamPorts: [443],
        redisTo: [{ ipBlock: { cidr: '10.9.0.0/16' } }],
        redisPorts: [6380],
        dnsTo: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'openshift-dns' } } }],
        dnsPorts: [5353],
        metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'eyes' } } }],
        extraEgress: [{ ports: [{ port: 4318 }], to: [{ ipBlock: { cidr: '10.8.0.1/32' } }] }],
      },
    });
    assert.deepEqual(rules(narrow, 'ingest'), {
      ingress: ['9000 from eyes'],
      egress: ['5353,5353 to openshift-dns', '6380 to 10.9.0.0/16', '443 to 198.51.100.0/24', '4318 to 10.8.0.1/32'],
    });
    assert.deepEqual(rules(narrow, 'edge').egress, [
      '5353,5353 to openshift-dns',
      '6380 to 10.9.0.0/16',
      '4318 to 10.8.0.1/32',
    ]);
  });

  it('lets helm test to the edges where clients are named', async () => {
    const clientsFrom = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
    const rendering = await chart.render(over(ENABLED, { networkPolicy: { clientsFrom } }));
    assert.deepEqual(rules(rendering, 'edge').ingress, ['8545 from 10.0.0.0/8,test', '9000 from monitoring']);
    const labels = at(rendering.get('Pod', 'test').json['metadata'], 'labels') as JsonObject;
    assert.equal(labels['app.kubernetes.io/component'], 'test');
  });

  it('lets helm test out to the edges, or to wherever its own URL leads', async () => {
    assert.deepEqual(rules(await chart.render(ENABLED), 'test'), {
      ingress: [],
      egress: ['53,53 to everybody', '8545 to edge'],
    });
    const outside = await chart.render(over(ENABLED, { tests: { url: 'wss://stream.example/ws' } }));
    assert.deepEqual(rules(outside, 'test').egress, ['53,53 to everybody', 'any port to everybody']);
    const none = await chart.render(over(ENABLED, { tests: { enabled: false } }));
    assert.equal(none.find('NetworkPolicy', 'test'), undefined);
  });

  it('gives up the ports of nodes and crosses no zones where that is asked for', async () => {
    const fieldsOf = async (service: JsonObject): Promise<readonly (Json | undefined)[]> => {
      const found = (await chart.render(over(MINIMAL, { edge: { service } }))).get('Service', 'edge');
      return [found.at('spec.allocateLoadBalancerNodePorts'), found.at('spec.trafficDistribution')];
    };
    assert.deepEqual(await fieldsOf({ type: 'LoadBalancer' }), [undefined, undefined]);
    assert.deepEqual(
      await fieldsOf({
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        trafficDistribution: 'PreferClose',
      }),
      [false, 'PreferClose'],
    );
    // The API server refuses it for other types.
    assert.deepEqual(await fieldsOf({ allocateLoadBalancerNodePorts: false }), [undefined, undefined]);
  });

  it('serves clients on a Service of their own, without the metrics', async () => {
    const rendering = await chart.render(MINIMAL);
    assert.deepEqual(
      listAt(rendering.get('Service', 'edge').json, 'spec.ports').map(({ name, port, targetPort }) => [
        name,
        port,
        targetPort,
      ]),
      [['clients', 8545, 'clients']],
    );
    for (const component of ['edge-metrics', 'ingest-metrics']) {
      const service = rendering.get('Service', component);
      assert.equal(service.at('spec.clusterIP'), 'None');
      // A scraper wants the pods that drain or wait for Redis above all.
      assert.equal(service.at('spec.publishNotReadyAddresses'), true);
      assert.deepEqual(
        listAt(service.json, 'spec.ports').map(({ port }) => port),
        [9000],
      );
    }
  });

  it('routes an Ingress and an HTTPRoute to the clients’ port', async () => {
    const ingress = (await chart.renderCi('production')).get('Ingress', 'edge');
    assert.deepEqual(at(ingress.json, 'spec.rules.0'), {
      host: 'stream.example',
      http: {
        paths: [
          {
            path: '/ws',
            pathType: 'Prefix',
            backend: { service: { name: 'r-flashcast-edge', port: { name: 'clients' } } },
          },
        ],
      },
    });
    const route = (await chart.renderCi('external-redis')).get('HTTPRoute', 'edge');
    const rule = at(route.json, 'spec.rules.0') as Json;
    assert.deepEqual(at(rule, 'backendRefs'), [{ name: 'r-flashcast-edge', port: 8545 }]);
    assert.deepEqual(at(rule, 'timeouts'), { request: '0s' });
  });
});
