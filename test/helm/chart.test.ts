import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CHART, Chart, CI_VALUES, KUBE_VERSION, MINIMAL, outcomeOf } from './support/chart.ts';
import { HELM, KUBECONFORM, needTool } from './support/go-tool.ts';
import { asText, type JsonObject } from './support/json.ts';
import { schemaLocation } from './support/kube-schemas.ts';

const PATIENCE_MS = 60_000;

describe('the Helm chart (needs helm, or Go to build it)', function () {
  this.timeout(PATIENCE_MS);
  let chart: Chart;

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
  });

  it('passes helm lint --strict with its default values and with every file in ci/', async () => {
    const files = CI_VALUES.map((name) => join(CHART, 'ci', `${name}-values.yaml`));
    for (const values of [[], ...files.map((file) => ['--values', file])]) {
      const { status, stdout, stderr } = await outcomeOf(chart.helm, ['lint', '--strict', CHART, ...values]);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /0 chart\(s\) failed/);
    }
  });

  it("names the project's version as its own application's", async () => {
    const { version } = JSON.parse(await readFile(join(CHART, '../../package.json'), 'utf8')) as { version: string };
    const { appVersion } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
    assert.equal(appVersion, version);
  });

  /** What helm says after an installation, by way of an object of its own: `helm template` leaves the notes out. */
  async function notesOf(values: JsonObject): Promise<string> {
    const carrier =
      'kind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n    {{- include "flashcast.notes" . | nindent 4 }}';
    const { manifests } = await chart.render({ ...values, extraObjects: [carrier] });
    return asText(manifests.find(({ name }) => name === 'notes')?.at('data.notes'));
  }

  it('says after an installation where the stream is and how to look at it', async () => {
    const notes = await notesOf(MINIMAL);
    assert.match(notes, /2 ingest, 3 edge\./);
    assert.match(notes, /ws:\/\/r-flashcast-edge\.stream\.svc:8545\/ws/);
    assert.match(notes, /helm -n stream test r --logs/);
    for (const said of [/bundled Redis/, /made-up flashblocks/, /no API keys/, /no NetworkPolicies/])
      assert.match(notes, said);
    assert.doesNotMatch(notes, /WARNING/);
  });

  it('warns of pings that are too seldom for load balancers, and says when helm test is left out', async () => {
    const notes = await notesOf({
      ...MINIMAL,
      apiKeys: { existingSecret: 'keys' },
      edge: { config: { clientPingIntervalMs: 60_000, clientPongTimeoutMs: 90_000 } },
    });
    assert.match(notes, /WARNING: clients are pinged less often/);
    assert.match(notes, /`helm test` is left out/);
    assert.doesNotMatch(notes, /no API keys/);
  });

  it('warns of as many workers as a node has cores, where no limit tells how many the pod may use', async () => {
    const warns = async (resources: JsonObject, edgeWorkers: string | number): Promise<boolean> => {
      const notes = await notesOf({ ...MINIMAL, edge: { config: { edgeWorkers }, resources } });
      return notes.includes('WARNING: edgeWorkers=auto');
    };
    assert.deepEqual([await warns({}, 'auto'), await warns({ limits: { cpu: 2 } }, 'auto')], [true, false]);
    assert.equal(await warns({}, 2), false);
  });

  describe('under kubeconform -strict', function () {
    let kubeconform = '';
    let location = '';
    let folder = '';

    before(async function () {
      kubeconform = await needTool(this, KUBECONFORM);
      location = await schemaLocation();
      folder = await mkdtemp(join(tmpdir(), 'flashcast-manifests-'));
    });
    after(async () => {
      if (folder !== '') await rm(folder, { recursive: true });
    });

    async function conforms(text: string): Promise<{ status: number; said: string }> {
      const file = join(folder, 'manifests.yaml');
      await writeFile(file, text);
      const flags = [
        '-strict',
        '-summary',
        '-verbose',
        '-kubernetes-version',
        KUBE_VERSION,
        '-schema-location',
        location,
      ];
      const { status, stdout, stderr } = await outcomeOf(kubeconform, [...flags, file]);
      return { status, said: stdout + stderr };
    }

    /** Values that make everything that the files in ci/ leave out. */
    const everything: JsonObject = {
      ...MINIMAL,
      ipFamilyPolicy: 'PreferDualStack',
      imagePullSecrets: ['registry'],
      upstreams: { uris: ['wss://builder.example'] },
      apiKeys: { lines: [`app sha256:${'0'.repeat(64)} limit=5`] },
      networkPolicy: {
        enabled: true,
        clientsFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
        upstreamsTo: [{ ipBlock: { cidr: '198.51.100.0/24' } }],
        upstreamPorts: [443],
        extraEgress: [{ ports: [{ port: 4318 }] }],
        dnsTo: [{ namespaceSelector: {} }],
      },
      edge: {
        tls: { existingSecret: 'certificate' },
        service: {
          ...{ type: 'LoadBalancer', nodePort: 30_545, loadBalancerClass: 'internal' },
          ...{ trafficDistribution: 'PreferClose', allocateLoadBalancerNodePorts: false },
        },
        drain: { preStopSeconds: 5 },
        dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
        keda: { enabled: true, fallback: { failureThreshold: 3, replicas: 10 } },
        affinity: { nodeAffinity: {} },
        tolerations: [{ key: 'edge', operator: 'Exists' }],
        nodeSelector: { pool: 'edge' },
        extraArgs: ['--log-level=debug'],
        extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-semi-space-size=32' }],
        extraEnvFrom: [{ configMapRef: { name: 'more' } }],
        extraVolumes: [{ name: 'more', emptyDir: {} }],
        extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
        initContainers: [{ name: 'first', image: 'busybox:1' }],
        extraContainers: [{ name: 'beside', image: 'busybox:1' }],
        httpRoute: { enabled: true, parentRefs: [{ name: 'gateway' }], filters: [] },
        ingress: { enabled: true, hosts: ['stream.example'] },
      },
      monitoring: { prometheusRule: { enabled: true }, dashboards: { enabled: true } },
      tests: { existingSecret: 'stream-url', podAnnotations: { 'sidecar.istio.io/inject': 'false' } },
      extraObjects: ['apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-more\n'],
    };

    for (const name of CI_VALUES) {
      it(`makes valid objects of ci/${name}-values.yaml, without an exception for any kind`, async () => {
        const { text, manifests } = await chart.renderCi(name);
        const { status, said } = await conforms(text);
        assert.equal(status, 0, said);
        assert.match(said, new RegExp(`Valid: ${manifests.length}, Invalid: 0, Errors: 0, Skipped: 0`));
      });
    }

    it('makes valid objects of every further value', async () => {
      const { text, manifests } = await chart.render(everything);
      const { status, said } = await conforms(text);
      assert.equal(status, 0, said);
      assert.match(said, new RegExp(`Valid: ${manifests.length}, Invalid: 0`));
      assert.equal(manifests.filter(({ name }) => name === 'r-more').length, 1);
    });

    it('refuses a field that no such object has, in a custom resource too', async () => {
      const { text } = await chart.renderCi('external-redis');
      for (const [field, wrong] of [
        ['enableServiceLinks', 'enableServiceLink'],
        ['pollingInterval', 'pollInterval'],
        ['podMetricsEndpoints', 'endpoints'],
        ['hostnames', 'hostNames'],
      ] as const) {
        const { status, said } = await conforms(text.replaceAll(`${field}:`, `${wrong}:`));
        assert.notEqual(status, 0, field);
        assert.match(said, new RegExp(wrong));
      }
    });
  });
});
