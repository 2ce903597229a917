import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { createEdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import { createIngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import { createRedisMetrics } from '../../shared/metrics/redis-metrics.ts';
import { createRegistry } from '../../shared/metrics/registry.ts';
import { CHART, Chart, MINIMAL } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, listAt, over, textsIn, type JsonObject, asText } from './support/json.ts';

const ALL: JsonObject = over(MINIMAL, {
  monitoring: {
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, extraGroups: [{ name: 'own', rules: [] }] },
    dashboards: { enabled: true, annotations: { grafana_folder: 'flashcast' } },
  },
});

async function filesOf(): Promise<ReadonlyMap<string, JsonObject>> {
  const folder = join(CHART, 'files', 'dashboards');
  const rules = parse(await readFile(join(CHART, 'files', 'rules.yaml'), 'utf8')) as JsonObject;
  const files = new Map<string, JsonObject>([['rules.yaml', rules]]);
  for (const name of await readdir(folder)) {
    files.set(name, JSON.parse(await readFile(join(folder, name), 'utf8')) as JsonObject);
  }
  return files;
}

/** Names of every series that ingest and edge export, those that a histogram and a summary are made of included. */
async function exported(): Promise<ReadonlySet<string>> {
  const registry = createRegistry({ metricsGlobalLabels: {}, metricsHostLabel: false });
  const own = new Registry();
  for (const create of [createEdgeMetrics, createEncodingMetrics, createRedisMetrics]) create(own);
  const ingest = new Registry();
  createIngestMetrics(ingest);
  const metrics = (await Promise.all([registry, own, ingest].map((one) => one.getMetricsAsJSON()))).flat();
  return new Set(metrics.flatMap(({ name }) => [name, ...['_bucket', '_sum', '_count'].map((end) => name + end)]));
}

describe('the monitoring of the Helm chart', () => {
  it('asks for metrics alone that ingest and edge export', async () => {
    const known = await exported();
    for (const [file, content] of await filesOf()) {
      const names = textsIn(content).flatMap(
        (text) => text.match(/\b(?:flashcast|websocket_proxy|process|nodejs)_\w+/g) ?? [],
      );
      assert.ok(names.length > 3, file);
      assert.deepEqual(
        names.filter((name) => !known.has(name)),
        [],
        file,
      );
    }
  });

  it('gives every alert a severity, a summary and a description', async () => {
    const rules = listAt((await filesOf()).get('rules.yaml'), 'groups').flatMap((group) => listAt(group, 'rules'));
    assert.ok(rules.length >= 5);
    for (const rule of rules) {
      assert.match(asText(rule['alert']), /^Flashcast[A-Z]\w+$/);
      assert.ok(['critical', 'warning'].includes(asText(at(rule, 'labels.severity'))), asText(rule['alert']));
      for (const text of ['summary', 'description']) assert.ok(typeof at(rule, `annotations.${text}`) === 'string');
    }
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  });

  describe('(needs helm, or Go to build it)', () => {
    let chart: Chart;

    before(async function () {
      chart = new Chart(await needTool(this, HELM));
    });

    it('makes nothing of it unless it is asked for', async () => {
      const { manifests } = await chart.render(MINIMAL);
      for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'])
        assert.ok(!manifests.some((manifest) => manifest.kind === kind), kind);
      assert.ok(!manifests.some(({ name }) => name.endsWith('overview')));
    });

    it('scrapes ingest and edge by the metrics Service of each', async () => {
      const rendering = await chart.render(ALL);
      for (const component of ['ingest', 'edge']) {
        const monitor = rendering.get('ServiceMonitor', component);
        assert.equal((monitor.at('metadata.labels') as JsonObject)['release'], 'prometheus');
        const selector = Object.entries(monitor.at('spec.selector.matchLabels') as JsonObject);
        const found = rendering
          .of('Service')
          .filter((service) =>
            selector.every(([key, value]) => (service.at('metadata.labels') as JsonObject)[key] === value),
          );
        assert.deepEqual(
          found.map(({ name }) => name),
          [`r-flashcast-${component}-metrics`],
        );
        const ports = listAt(found[0]?.json, 'spec.ports').map(({ name }) => name);
        assert.deepEqual([at(monitor.json, 'spec.endpoints.0.port')], ports);
      }
    });

    it('scrapes pods by the port that they name, where PodMonitors are asked for', async () => {
      const rendering = await chart.renderCi('external-redis');
      for (const component of ['ingest', 'edge']) {
        const port = at(rendering.get('PodMonitor', component).json, 'spec.podMetricsEndpoints.0.port');
        const ports = listAt(rendering.get('Deployment', component).podSpec, 'containers.0.ports');
        assert.ok(ports.some(({ name }) => name === port));
      }
    });

    it("hands Prometheus' own templates on untouched, and adds groups", async () => {
      const { manifests } = await chart.render(ALL);
      const rule = manifests.find(({ kind }) => kind === 'PrometheusRule');
      const groups = (await filesOf()).get('rules.yaml')?.['groups'];
      assert.deepEqual(rule?.at('spec.groups'), [...(groups as readonly JsonObject[]), { name: 'own', rules: [] }]);
      assert.match(JSON.stringify(rule.json), /\{\{ \$labels\.upstream \}\}/);
    });

    it("puts each dashboard into a ConfigMap with the label that Grafana's sidecar looks for", async () => {
      const rendering = await chart.render(ALL);
      for (const [file, content] of await filesOf()) {
        if (!file.endsWith('.json')) continue;
        const map = rendering.get('ConfigMap', file.slice(0, -'.json'.length));
        assert.equal((map.at('metadata.labels') as JsonObject)['grafana_dashboard'], '1');
        assert.equal(map.at('metadata.annotations.grafana_folder'), 'flashcast');
        assert.deepEqual(JSON.parse(asText((map.at('data') as JsonObject)[file])), content);
      }
    });
  });
});
