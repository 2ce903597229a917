import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../shared/config/load.ts';
import { SETTINGS, settingsOf, type NamedSetting } from '../../shared/config/schema.ts';
import { CHART, Chart, CI_VALUES, MINIMAL } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, isObject, listAt, over, type Json, type JsonObject, asText } from './support/json.ts';

/** Settings that the chart sets itself or takes from a Secret, and one that must differ from pod to pod. */
const OWNED: Readonly<Record<'ingest' | 'edge', readonly string[]>> = {
  ingest: ['upstreamWs', 'redisUrl', 'ingestId', 'metrics', 'metricsAddr', 'otelExporterOtlpEndpoint'],
  edge: [
    ...['listenAddr', 'drainTimeoutMs', 'drainDelayMs', 'apiKeys', 'apiKeysFile', 'tlsCertFile', 'tlsKeyFile'],
    ...['redisUrl', 'edgeId', 'metrics', 'metricsAddr', 'otelExporterOtlpEndpoint'],
  ],
};

/** Settings in which ingests and edges must agree, as they would not find each other. */
const TOGETHER = ['redisMode', 'redisKeyPrefix'];

async function schemaOf(name: string): Promise<JsonObject> {
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as JsonObject;
  return at(schema, `definitions.${name}.properties`) as JsonObject;
}

function settingNamed(key: string): NamedSetting {
  const setting = SETTINGS.find((candidate) => candidate.key === key);
  assert.ok(setting !== undefined, `${key} is no setting`);
  return setting;
}

describe("the chart's settings", () => {
  for (const program of ['ingest', 'edge'] as const) {
    it(`${program}.config takes every setting of the program but those that the chart owns`, async () => {
      const known = settingsOf(program).map(({ key }) => key);
      const taken = Object.keys(await schemaOf(`${program}Settings`));
      const missing = new Set<string>([...OWNED[program], ...TOGETHER]);
      assert.deepEqual(taken.sort(), known.filter((key) => !missing.has(key)).sort());
    });
  }

  it('config takes what both programs have', async () => {
    const [ingest, edge] = [await schemaOf('ingestSettings'), await schemaOf('edgeSettings')];
    const both = Object.keys(ingest).filter((key) => Object.hasOwn(edge, key));
    assert.deepEqual(Object.keys(await schemaOf('sharedSettings')).sort(), [...both, ...TOGETHER].sort());
  });

  it('no secret is taken as a setting', async () => {
    for (const name of ['sharedSettings', 'ingestSettings', 'edgeSettings']) {
      for (const key of Object.keys(await schemaOf(name))) assert.notEqual(settingNamed(key).secret, true, key);
    }
  });

  it('accepts the numbers and words that the programs accept, and no others', async () => {
    for (const name of ['sharedSettings', 'ingestSettings', 'edgeSettings']) {
      for (const [key, schema] of Object.entries(await schemaOf(name))) {
        const { format } = settingNamed(key);
        const accepts = (value: Json | number): boolean => format.parse(asText(value)).ok;
        const [least, most] = [at(schema, 'minimum'), at(schema, 'maximum')];
        if (at(schema, 'type') === 'integer') {
          assert.ok(typeof least === 'number' && typeof most === 'number', key);
          assert.deepEqual([accepts(least), accepts(most)], [true, true], key);
          assert.deepEqual([accepts(least - 1), accepts(most + 1)], [false, false], key);
        }
        for (const word of listAt(schema, 'enum') as unknown as readonly string[]) assert.ok(accepts(word), key);
        if (at(schema, 'type') === 'boolean') assert.ok(accepts('true') && !accepts('yes'), key);
      }
    }
  });
});

describe('the configuration that the Helm chart makes (needs helm, or Go to build it)', () => {
  let chart: Chart;
  let folder = '';

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
    folder = await mkdtemp(join(tmpdir(), 'flashcast-config-'));
    // What the Secrets hold in a cluster.
    await mkdir(join(folder, 'flashcast'));
    await writeFile(join(folder, 'flashcast', 'upstream-ws'), 'wss://a.example/ws\nwss://b.example/ws?key=k\n');
    await writeFile(join(folder, 'flashcast', 'redis-url'), 'redis://:secret@redis:6379\n');
  });
  after(async () => {
    if (folder !== '') await rm(folder, { recursive: true });
  });

  /** What a program reads from the ConfigMap of the chart. */
  async function load(
    program: 'ingest' | 'edge',
    values: JsonObject,
    files: readonly string[] = [],
  ): Promise<JsonObject> {
    const text = asText(
      (await chart.render(values, files)).get('ConfigMap', program).at('data')?.['config.yaml' as never],
    );
    const path = join(folder, `${program}.yaml`);
    await writeFile(path, text.replaceAll('/run/secrets/', `${folder}/`));
    const result = loadSettings(program, { argv: ['--config', path], env: {}, cwd: folder, hostName: 'pod' });
    assert.ok(result.kind === 'settings', JSON.stringify(result));
    return result.settings as unknown as JsonObject;
  }

  for (const name of CI_VALUES) {
    it(`is accepted by both programs with ci/${name}-values.yaml`, async () => {
      const file = join(CHART, 'ci', `${name}-values.yaml`);
      const [ingest, edge] = [await load('ingest', {}, [file]), await load('edge', {}, [file])];
      assert.deepEqual(ingest['upstreamWs'], ['wss://a.example/ws', 'wss://b.example/ws?key=k']);
      assert.equal(edge['redisUrl'], 'redis://:secret@redis:6379');
      assert.equal(ingest['redisKeyPrefix'], edge['redisKeyPrefix']);
      assert.equal(at(edge, 'listenAddr.port'), 8545);
      assert.equal(at(edge, 'metricsAddr.port'), 9000);
      assert.equal(at(ingest, 'metricsAddr.port'), 9000);
    });
  }

  it('keeps large numbers, lists, maps and booleans as they were given', async () => {
    const values = over(MINIMAL, {
      config: { streamMaxBytes: 1_073_741_824, metricsGlobalLabels: { chain: 'base' }, logFormat: 'text' },
      ingest: { config: { maxMessageBytes: 16_777_216, upstreamResume: false } },
      edge: {
        config: { clientQueueBytes: 33_554_432, enableCompression: true, trustedProxies: ['10.0.0.0/8', 'fd00::/8'] },
      },
    });
    const [ingest, edge] = [await load('ingest', values), await load('edge', values)];
    assert.deepEqual([ingest['streamMaxBytes'], edge['streamMaxBytes']], [1_073_741_824, 1_073_741_824]);
    assert.deepEqual([ingest['maxMessageBytes'], ingest['upstreamResume']], [16_777_216, false]);
    assert.deepEqual([edge['clientQueueBytes'], edge['enableCompression']], [33_554_432, true]);
    assert.deepEqual(edge['metricsGlobalLabels'], { chain: 'base' });
    assert.equal(edge['logFormat'], 'text');
  });

  it("lets a component's settings rank above the shared ones, and the chart's above both", async () => {
    const values = over(MINIMAL, { config: { logLevel: 'warn' }, edge: { config: { logLevel: 'debug' } } });
    assert.equal((await load('edge', values))['logLevel'], 'debug');
    assert.equal((await load('ingest', values))['logLevel'], 'warn');
  });

  it('listens on every IPv6 address where that is asked for', async () => {
    const values = over(MINIMAL, { listenHost: '::' });
    assert.deepEqual((await load('edge', values))['listenAddr'], { host: '::', port: 8545 });
    const simulator = (await chart.render(values)).get('Deployment', 'simulator').podSpec;
    assert.ok((at(simulator, 'containers.0.args') as readonly string[]).includes('--listen=[::]:8546'));
  });

  it('sets nothing that the values do not name, apart from what it owns', async () => {
    const { manifests } = await chart.render(MINIMAL);
    for (const { name, json } of manifests.filter(({ kind }) => kind === 'ConfigMap')) {
      const keys = [...asText(Object.values(json['data'] as JsonObject)[0]).matchAll(/^(\w+):/gm)].map(
        ([, key]) => key,
      );
      const owned = new Set([
        'listenAddr',
        'metricsAddr',
        'redisUrlFile',
        'upstreamWsFile',
        'drainTimeoutMs',
        'drainDelayMs',
      ]);
      assert.ok(isObject(json) && keys.length >= 3);
      assert.deepEqual(
        keys.filter((key) => !owned.has(key ?? '')),
        [],
        name,
      );
    }
  });
});
