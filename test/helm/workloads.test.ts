import assert from 'node:assert/strict';
import { Chart, CI_VALUES, MINIMAL, type Manifest, type Rendering } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, listAt, over, type Json, type JsonObject, asText } from './support/json.ts';

/** Room behind the drain that the chart promises at least: closing what is left, leaving Redis, ending. */
const LEAST_MARGIN_SECONDS = 5;
const COMPONENTS = ['ingest', 'edge'] as const;

function podSpecs(rendering: Rendering): readonly (readonly [string, JsonObject])[] {
  return rendering.manifests.flatMap((manifest) => {
    const { podSpec } = manifest;
    return podSpec === undefined ? [] : [[`${manifest.kind} ${manifest.name}`, podSpec] as const];
  });
}

function container(manifest: Manifest): JsonObject {
  return listAt(manifest.podSpec, 'containers')[0]!;
}

/** What the pod security level `restricted` forbids and is there (Kubernetes' Pod Security Standards). */
function violations(spec: JsonObject): readonly string[] {
  const pod = (path: string): Json | undefined => at(spec, path);
  const found = [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => pod(field) === true),
    ...listAt(spec, 'volumes')
      .filter((volume) => 'hostPath' in volume)
      .map(({ name }) => `host path of ${asText(name)}`),
    ...(pod('securityContext.seccompProfile.type') === 'RuntimeDefault' ? [] : ['seccomp profile']),
  ];
  for (const one of [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')]) {
    const own = (path: string): Json | undefined => at(one, `securityContext.${path}`);
    if (own('allowPrivilegeEscalation') !== false) found.push('privilege escalation');
    if (JSON.stringify(own('capabilities')) !== '{"drop":["ALL"]}') found.push('capabilities');
    if (own('privileged') === true) found.push('privileged');
    if ((own('runAsNonRoot') ?? pod('securityContext.runAsNonRoot')) !== true) found.push('may be root');
    if ((own('runAsUser') ?? pod('securityContext.runAsUser')) === 0) found.push('is root');
    if (listAt(one, 'ports').some((port) => 'hostPort' in port)) found.push('host port');
  }
  return found;
}

describe('the workloads of the Helm chart (needs helm, or Go to build it)', () => {
  let chart: Chart;
  const rendered = new Map<string, Rendering>();

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
    for (const name of CI_VALUES) rendered.set(name, await chart.renderCi(name));
  });

  for (const name of CI_VALUES) {
    describe(`of ci/${name}-values.yaml`, () => {
      it('keep to the pod security level restricted, with a root file system that is read-only', () => {
        const specs = podSpecs(rendered.get(name)!);
        assert.ok(specs.length >= 3);
        for (const [pod, spec] of specs) {
          assert.deepEqual(violations(spec), [], pod);
          for (const one of listAt(spec, 'containers'))
            assert.equal(at(one, 'securityContext.readOnlyRootFilesystem'), true, pod);
        }
      });

      it('get no token, of their ServiceAccounts neither, and no variables of Services', () => {
        for (const [pod, spec] of podSpecs(rendered.get(name)!)) {
          assert.equal(spec['automountServiceAccountToken'], false, pod);
          assert.equal(spec['enableServiceLinks'], false, pod);
        }
        const accounts = rendered.get(name)!.of('ServiceAccount');
        assert.ok(accounts.length >= 2);
        for (const account of accounts) assert.equal(account.json['automountServiceAccountToken'], false, account.name);
        const names = new Set(accounts.map((account) => account.name));
        for (const [pod, spec] of podSpecs(rendered.get(name)!))
          assert.ok(names.has(asText(spec['serviceAccountName'])), pod);
      });

      it('are asked for little CPU and bounded memory, and have no CPU limit', () => {
        for (const [pod, spec] of podSpecs(rendered.get(name)!)) {
          const resources = at(spec, 'containers.0.resources');
          assert.ok(at(resources, 'requests.cpu') !== undefined && at(resources, 'requests.memory') !== undefined, pod);
          assert.ok(at(resources, 'limits.memory') !== undefined, pod);
          assert.equal(at(resources, 'limits.cpu'), undefined, pod);
        }
      });

      it('have a grace period that the drain fits into', () => {
        const edge = rendered.get(name)!.get('Deployment', 'edge');
        const text = JSON.stringify(rendered.get(name)!.get('ConfigMap', 'edge').json);
        const drainMs = Number(/drainTimeoutMs: (\d+)/.exec(text)?.[1]);
        const grace = Number(edge.podSpec?.['terminationGracePeriodSeconds']);
        assert.ok(drainMs > 0 && grace >= drainMs / 1000 + LEAST_MARGIN_SECONDS, `${grace} s for ${drainMs} ms`);
      });

      it('are selected by labels that no upgrade changes, and that their pods have', () => {
        for (const deployment of rendered.get(name)!.of('Deployment')) {
          const selector = deployment.at('spec.selector.matchLabels') as JsonObject;
          assert.deepEqual(
            Object.keys(selector).sort(),
            ['app.kubernetes.io/component', 'app.kubernetes.io/instance', 'app.kubernetes.io/name'],
            deployment.name,
          );
          const labels = deployment.at('spec.template.metadata.labels') as JsonObject;
          for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value, deployment.name);
          assert.equal(labels['helm.sh/chart'], undefined);
        }
      });

      it('are found by their Services, monitors and budgets, each by one of them alone', () => {
        const { manifests } = rendered.get(name)!;
        const pods = manifests.filter((one) => one.podSpec !== undefined);
        for (const kind of ['Service', 'PodDisruptionBudget', 'NetworkPolicy']) {
          for (const manifest of manifests.filter((one) => one.kind === kind)) {
            const path = { Service: 'spec.selector', NetworkPolicy: 'spec.podSelector.matchLabels' }[kind];
            const selector = Object.entries((manifest.at(path ?? 'spec.selector.matchLabels') ?? {}) as JsonObject);
            assert.ok(selector.length > 0, manifest.name);
            const found = pods.filter((pod) => {
              const labels = pod.at(
                pod.kind === 'Pod' ? 'metadata.labels' : 'spec.template.metadata.labels',
              ) as JsonObject;
              return selector.every(([key, value]) => labels[key] === value);
            });
            assert.equal(found.length, 1, manifest.name);
          }
        }
      });
    });
  }

  it('reads an unchanged selector under every name, label and version that may change', async () => {
    const before = await chart.render(MINIMAL);
    const after = await chart.render(
      over(MINIMAL, {
        commonLabels: { 'app.kubernetes.io/name': 'taken', team: 'a' },
        image: { tag: '9.9.9' },
        edge: { podLabels: { 'app.kubernetes.io/component': 'taken', extra: 'b' } },
      }),
    );
    for (const component of [...COMPONENTS, 'redis', 'simulator']) {
      const [old, now] = [before.get('Deployment', component), after.get('Deployment', component)];
      assert.deepEqual(now.at('spec.selector'), old.at('spec.selector'));
      const labels = now.at('spec.template.metadata.labels') as JsonObject;
      assert.equal(labels['app.kubernetes.io/component'], component);
      assert.equal(labels['team'], 'a');
    }
  });

  it('derives the grace period from the drain, rounded up, and takes a longer one', async () => {
    const grace = async (edge: JsonObject): Promise<Json | undefined> =>
      (await chart.render(over(MINIMAL, { edge }))).get('Deployment', 'edge').podSpec?.[
        'terminationGracePeriodSeconds'
      ];
    assert.equal(await grace({}), 40);
    assert.equal(await grace({ drain: { timeoutMs: 25_001, delayMs: 0 } }), 36);
    assert.equal(await grace({ drain: { timeoutMs: 3_600_000 } }), 3610);
    assert.equal(await grace({ drain: { timeoutMs: 0, delayMs: 0 } }), 10);
    assert.equal(await grace({ terminationGracePeriodSeconds: 300 }), 300);
    assert.equal(await grace({ terminationGracePeriodSeconds: 35 }), 35);
    assert.equal(await grace({ drain: { preStopSeconds: 15 } }), 55);
  });

  it('has no preStop hook, as the drain has a delay of its own, unless one is asked for', async () => {
    for (const rendering of rendered.values()) {
      for (const [pod, spec] of podSpecs(rendering))
        for (const one of listAt(spec, 'containers')) assert.equal(one['lifecycle'], undefined, pod);
    }
    const hooked = await chart.render(over(MINIMAL, { edge: { drain: { preStopSeconds: 15 } } }));
    assert.deepEqual(container(hooked.get('Deployment', 'edge'))['lifecycle'], {
      preStop: { exec: { command: ['sleep', '15'] } },
    });
    assert.equal(container(hooked.get('Deployment', 'ingest'))['lifecycle'], undefined);
  });

  it('runs helm test where the edges may run, and the simulator and Redis where they are told to', async () => {
    const placed = (pool: string): JsonObject => ({
      nodeSelector: { pool },
      tolerations: [{ key: pool, operator: 'Exists' }],
    });
    const rendering = await chart.render(
      over(MINIMAL, { edge: placed('edge'), simulator: placed('simulator'), redis: placed('redis') }),
    );
    for (const [kind, component, pool] of [
      ['Deployment', 'edge', 'edge'],
      ['Pod', 'test', 'edge'],
      ['Deployment', 'simulator', 'simulator'],
      ['Deployment', 'redis', 'redis'],
    ] as const) {
      const spec = rendering.get(kind, component).podSpec;
      assert.deepEqual({ nodeSelector: at(spec, 'nodeSelector'), tolerations: at(spec, 'tolerations') }, placed(pool));
    }
  });

  it('asks /livez for life and /readyz for clients, on the metrics port', () => {
    for (const component of COMPONENTS) {
      const one = container(rendered.get('minimal')!.get('Deployment', component));
      for (const [probe, path] of [
        ['startupProbe', '/livez'],
        ['livenessProbe', '/livez'],
        ['readinessProbe', '/readyz'],
      ] as const) {
        assert.deepEqual(at(one, `${probe}.httpGet`), { path, port: 'metrics' });
      }
      assert.ok(listAt(one, 'ports').some(({ name, containerPort }) => name === 'metrics' && containerPort === 9000));
    }
  });

  it('never lets a budget block the drain of a node, with a single replica neither', async () => {
    const { manifests } = await chart.render(over(MINIMAL, { ingest: { replicas: 1 }, edge: { replicas: 1 } }));
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget');
    assert.deepEqual(
      budgets.map(({ name }) => name),
      ['r-flashcast-edge', 'r-flashcast-ingest'],
    );
    for (const budget of budgets) {
      assert.equal(budget.at('spec.maxUnavailable'), 1);
      assert.equal(budget.at('spec.minAvailable'), undefined);
      assert.equal(budget.at('spec.unhealthyPodEvictionPolicy'), 'AlwaysAllow');
    }
  });

  it('spreads pods over zones and nodes without insisting, and insists where that is asked for', async () => {
    const soft = rendered.get('minimal')!.get('Deployment', 'edge');
    assert.deepEqual(
      listAt(soft.podSpec, 'topologySpreadConstraints').map(({ topologyKey, whenUnsatisfiable }) => [
        topologyKey,
        whenUnsatisfiable,
      ]),
      [
        ['topology.kubernetes.io/zone', 'ScheduleAnyway'],
        ['kubernetes.io/hostname', 'ScheduleAnyway'],
      ],
    );
    const antiAffinity = 'affinity.podAntiAffinity';
    assert.equal(listAt(soft.podSpec, `${antiAffinity}.preferredDuringSchedulingIgnoredDuringExecution`).length, 1);
    const hard = rendered.get('production')!.get('Deployment', 'ingest');
    assert.equal(listAt(hard.podSpec, `${antiAffinity}.requiredDuringSchedulingIgnoredDuringExecution`).length, 1);
    const own = rendered.get('production')!.get('Deployment', 'edge');
    assert.deepEqual(
      listAt(own.podSpec, 'topologySpreadConstraints').map((constraint) => at(constraint, 'labelSelector')),
      [own.at('spec.selector')],
    );
    const none = await chart.render(over(MINIMAL, { edge: { podAntiAffinity: 'none' } }));
    assert.equal(none.get('Deployment', 'edge').podSpec?.['affinity'], undefined);
  });

  it('leaves the number of edges to an autoscaler where there is one', () => {
    assert.equal(rendered.get('minimal')!.get('Deployment', 'edge').at('spec.replicas'), 3);
    assert.equal(rendered.get('minimal')!.get('Deployment', 'ingest').at('spec.replicas'), 2);
    for (const name of ['production', 'external-redis'])
      assert.equal(rendered.get(name)!.get('Deployment', 'edge').at('spec.replicas'), undefined);
  });

  it('scales edges by CPU and by clients, out at once and back slowly', () => {
    const scaler = rendered.get('production')!.get('HorizontalPodAutoscaler', 'edge');
    assert.deepEqual(
      listAt(scaler.json, 'spec.metrics').map(
        (metric) => at(metric, 'resource.name') ?? at(metric, 'pods.metric.name'),
      ),
      ['cpu', 'websocket_proxy_active_connections'],
    );
    assert.equal(at(listAt(scaler.json, 'spec.metrics')[1], 'pods.target.averageValue'), '7000');
    assert.equal(scaler.at('spec.behavior.scaleUp.stabilizationWindowSeconds'), 0);
    assert.ok(Number(scaler.at('spec.behavior.scaleDown.stabilizationWindowSeconds')) >= 600);
    assert.deepEqual(listAt(scaler.json, 'spec.behavior.scaleDown.policies'), [
      { type: 'Pods', value: 1, periodSeconds: 180 },
    ]);
    const keda = rendered.get('external-redis')!.get('ScaledObject', 'edge');
    assert.equal(at(listAt(keda.json, 'spec.triggers')[0], 'type'), 'cpu');
    assert.equal(
      at(listAt(keda.json, 'spec.triggers')[1], 'metadata.query'),
      'sum(websocket_proxy_active_connections{namespace="stream",pod=~"r-flashcast-edge-.+"})',
    );
    assert.deepEqual(keda.at('spec.advanced.horizontalPodAutoscalerConfig.behavior'), scaler.at('spec.behavior'));
  });

  it('names the image by digest, else by tag, else by its own version', async () => {
    const image = async (values: JsonObject): Promise<Json | undefined> =>
      container((await chart.render(over(MINIMAL, { image: values }))).get('Deployment', 'edge'))['image'];
    const digest = `sha256:${'a'.repeat(64)}`;
    assert.match(asText(await image({})), /^flashcast:\d+\.\d+\.\d+$/);
    assert.equal(
      await image({ registry: 'registry.example:5000/', repository: 'x/flashcast', tag: 'v2' }),
      'registry.example:5000/x/flashcast:v2',
    );
    assert.equal(await image({ digest }), `flashcast@${digest}`);
    assert.equal(await image({ tag: 'v2', digest }), `flashcast:v2@${digest}`);
  });

  it('keeps every name within the 63 characters of a DNS label, however long the release is called', async () => {
    const long = `${'long-name-'.repeat(5)}end`;
    const { stdout } = await chart.template(
      over(MINIMAL, { monitoring: { dashboards: { enabled: true }, podMonitor: { enabled: true } } }),
      [],
      ['--set', `fullnameOverride=${long}`],
    );
    const names = [...stdout.matchAll(/^ {2}name: (\S+)$/gm)].map(([, name]) => name ?? '');
    assert.ok(names.length > 15);
    for (const name of names) assert.ok(name.length <= 63 && /^[a-z0-9][-a-z0-9]*[a-z0-9]$/.test(name), name);
  });

  it('follows the stream in helm test, or leaves the test out where it would need a key', async () => {
    const testOf = async (values: JsonObject): Promise<Manifest | undefined> =>
      (await chart.render(over(MINIMAL, values))).find('Pod', 'test');
    const plain = await testOf({});
    assert.equal(at(plain?.json['metadata'], 'annotations')?.['helm.sh/hook' as never], 'test');
    assert.deepEqual(at(plain?.podSpec, 'containers.0.args'), [
      'watch',
      '$(STREAM_URL)',
      '--count=20',
      '--timeout-ms=30000',
    ]);
    assert.equal(at(plain?.podSpec, 'containers.0.env.0.value'), 'ws://r-flashcast-edge.stream.svc:8545/ws');
    const keys = { apiKeys: { existingSecret: 'keys' } };
    assert.equal(await testOf(keys), undefined);
    assert.equal(await testOf({ edge: { config: { proxyProtocol: true } } }), undefined);
    assert.equal(await testOf({ tests: { enabled: false } }), undefined);
    assert.ok((await testOf(over(keys, { edge: { config: { publicAccessEnabled: true } } }))) !== undefined);
    const withKey = await testOf(over(keys, { tests: { existingSecret: 'stream-url' } }));
    assert.deepEqual(at(withKey?.podSpec, 'containers.0.env.0.valueFrom.secretKeyRef'), {
      name: 'stream-url',
      key: 'url',
    });
    const tls = await testOf({ edge: { tls: { existingSecret: 'certificate' } } });
    assert.match(asText(at(tls?.podSpec, 'containers.0.env.0.value')), /^wss:/);
  });
});
