import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CHART, Chart, MINIMAL } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, listAt, over, type JsonObject, asText } from './support/json.ts';

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

describe('the monitoring of the Helm chart (needs helm, or Go to build it)', () => {
  let chart: Chart;

  /** The rules that values make, by the name of the alert or of what is recorded. */
  async function rulesOf(values: JsonObject): Promise<ReadonlyMap<string, JsonObject>> {
    const { manifests } = await chart.render(values);
    const rule = manifests.find(({ kind }) => kind === 'PrometheusRule');
    return new Map(
      listAt(rule?.json, 'spec.groups')
        .flatMap((group) => listAt(group, 'rules'))
        .map((one) => [asText(one['alert'] ?? one['record']), one]),
    );
  }

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

  it('changes single alerts where it is asked to', async () => {
    const alerts = {
      FlashcastStreamStale: { threshold: 2.5, for: '1m', labels: { severity: 'warning', team: 'chain' } },
      FlashcastCertificateEnds: { threshold: 1_814_400 },
      FlashcastUpstreamDown: { enabled: false },
    };
    const prometheusRule = {
      alerts,
      latency: { withinSeconds: 0.1, lateShare: 0.01 },
      runbookBaseUrl: 'https://example.org/flashcast/',
    };
    const [before, after] = [await rulesOf(ALL), await rulesOf(over(ALL, { monitoring: { prometheusRule } }))];
    const stale = after.get('FlashcastStreamStale');
    assert.equal(stale?.['expr'], 'min by (namespace) (flashcast_stream_age_seconds) > 2.5');
    assert.equal(stale['for'], '1m');
    assert.deepEqual(stale['labels'], alerts.FlashcastStreamStale.labels);
    assert.match(asText(after.get('FlashcastCertificateEnds')?.['expr']), / < 1814400$/);
    assert.deepEqual(
      [...before.keys()].filter((name) => !after.has(name)),
      ['FlashcastUpstreamDown'],
    );
    for (const [name, rule] of after) {
      if (name.startsWith('flashcast:')) {
        assert.match(asText(rule['expr']), /le="0\.1"\}.* \/ 0\.01$/);
        continue;
      }
      const link = asText(at(before.get(name), 'annotations.runbook_url'));
      assert.equal(at(rule, 'annotations.runbook_url'), `https://example.org/flashcast/${link}`);
      if (!(name in alerts)) assert.equal(rule['expr'], before.get(name)?.['expr']);
    }
  });

  it('refuses a change of an alert that is none', async () => {
    const refusal = await chart.refusal(
      over(ALL, { monitoring: { prometheusRule: { alerts: { FlashcastStale: { threshold: 3 } } } } }),
    );
    assert.match(refusal, /there is no alert FlashcastStale/);
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
