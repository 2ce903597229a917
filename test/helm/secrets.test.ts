import assert from 'node:assert/strict';
import { usesResources } from '../support/use.ts';
import { Chart, CI_VALUES, MINIMAL, type Rendering } from './support/chart.ts';
import { FakeCluster } from './support/fake-cluster.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { at, listAt, over, textsIn, type Json, type JsonObject, asText } from './support/json.ts';

/** Values with a secret in every place where one belongs. */
const SECRETS: JsonObject = {
  upstreams: { uris: ['wss://builder.example/UPSTREAM-SECRET', 'wss://user:UPSTREAM-SECRET@b.example'] },
  externalRedis: { url: 'rediss://default:REDIS-SECRET@redis.example:6380' },
  apiKeys: { lines: [`partner sha256:${'5ec4e7'.padEnd(64, '0')} limit=10`] },
};
const IN_CLEAR = ['UPSTREAM-SECRET', 'REDIS-SECRET', '5ec4e7'];

function decoded(rendering: Rendering, ending: string, key: string): string {
  const data = rendering.get('Secret', ending).at('data') as JsonObject;
  assert.equal(typeof data[key], 'string', `${ending} has no ${key}`);
  return Buffer.from(asText(data[key]), 'base64').toString();
}

function checksums(rendering: Rendering, component: string): JsonObject {
  return rendering.get('Deployment', component).at('spec.template.metadata.annotations') as JsonObject;
}

/** Names of the Secrets that pods mount or read. */
function secretsUsed(rendering: Rendering): readonly string[] {
  const used = new Set<string>();
  for (const { podSpec } of rendering.manifests) {
    for (const volume of listAt(podSpec, 'volumes')) {
      const sources = listAt(volume, 'projected.sources').map((source) => at(source, 'secret.name'));
      for (const name of [at(volume, 'secret.secretName'), ...sources]) if (typeof name === 'string') used.add(name);
    }
    for (const one of listAt(podSpec, 'containers')) {
      for (const variable of listAt(one, 'env')) {
        const name = at(variable, 'valueFrom.secretKeyRef.name');
        if (typeof name === 'string') used.add(name);
      }
    }
  }
  return [...used].sort();
}

describe('the secrets of the Helm chart (needs helm, or Go to build it)', () => {
  const use = usesResources();
  let chart: Chart;

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
  });

  it('stand in Secrets alone: not in ConfigMaps, environments, arguments, annotations or notes', async () => {
    const rendering = await chart.render(SECRETS);
    for (const { kind, name, json } of rendering.manifests) {
      const encoded = textsIn(json).flatMap((text) => [text, Buffer.from(text, 'base64').toString()]);
      for (const secret of IN_CLEAR) {
        const found = encoded.some((text) => text.includes(secret));
        if (kind !== 'Secret') assert.ok(!found, `${secret} in ${kind} ${name}`);
      }
    }
    assert.equal(
      decoded(rendering, 'upstreams', 'upstream-ws'),
      (at(SECRETS, 'upstreams.uris') as readonly string[]).join('\n'),
    );
    assert.equal(decoded(rendering, 'redis', 'redis-url'), at(SECRETS, 'externalRedis.url'));
    assert.match(decoded(rendering, 'api-keys', 'api-keys'), /^partner sha256:5ec4e70+ limit=10\n$/);
  });

  it('reach the programs as files that others in the pod cannot read', async () => {
    const rendering = await chart.render(SECRETS);
    for (const component of ['ingest', 'edge']) {
      const { podSpec } = rendering.get('Deployment', component);
      assert.equal(at(podSpec, 'securityContext.fsGroup'), 10_001);
      for (const volume of listAt(podSpec, 'volumes')) {
        const mode = at(volume, 'secret.defaultMode') ?? at(volume, 'projected.defaultMode');
        if ('secret' in volume || 'projected' in volume) assert.equal(mode, 0o440, asText(volume['name']));
      }
      assert.deepEqual(listAt(podSpec, 'containers.0.env'), []);
    }
  });

  it('are not made where there are existing ones, which are used by their names and keys', async () => {
    const rendering = await chart.render({
      upstreams: { existingSecret: 'own-upstreams', existingSecretKey: 'uris' },
      externalRedis: { existingSecret: 'own-redis', existingSecretKey: 'url' },
      apiKeys: { existingSecret: 'own-keys', existingSecretKey: 'keys.txt' },
      edge: { tls: { existingSecret: 'own-certificate' } },
      tests: { existingSecret: 'own-url' },
    });
    assert.deepEqual(rendering.of('Secret'), []);
    assert.deepEqual(secretsUsed(rendering), ['own-certificate', 'own-keys', 'own-redis', 'own-upstreams', 'own-url']);
    const items = (component: string, path: string): Json | undefined =>
      at(rendering.get('Deployment', component).podSpec, `volumes.${path}`);
    assert.deepEqual(items('ingest', '1.projected.sources.0.secret.items'), [{ key: 'uris', path: 'upstream-ws' }]);
    assert.deepEqual(items('ingest', '1.projected.sources.1.secret.items'), [{ key: 'url', path: 'redis-url' }]);
    assert.deepEqual(items('edge', '1.secret.items'), [{ key: 'url', path: 'redis-url' }]);
    assert.deepEqual(items('edge', '2.secret.items'), [{ key: 'keys.txt', path: 'api-keys' }]);
  });

  for (const name of CI_VALUES) {
    it(`are all there that the pods of ci/${name}-values.yaml use and that do not exist yet`, async () => {
      const rendering = await chart.renderCi(name);
      const made = rendering.of('Secret').map((secret) => secret.name);
      const existing = name === 'production' ? ['flashcast-redis', 'flashcast-upstreams'] : [];
      assert.deepEqual(secretsUsed(rendering), [...made, ...existing].sort());
    });
  }

  it('restart the pods that read them when they change, and no others; API keys restart nobody', async () => {
    const before = await chart.render(SECRETS);
    const changed = async (values: JsonObject): Promise<readonly string[]> => {
      const after = await chart.render(over(SECRETS, values));
      return ['ingest', 'edge'].flatMap((component) =>
        Object.entries(checksums(after, component))
          .filter(([key, sum]) => checksums(before, component)[key] !== sum)
          .map(([key]) => `${component} ${key}`),
      );
    };
    assert.deepEqual(await changed({}), []);
    assert.deepEqual(await changed({ upstreams: { uris: ['wss://c.example'] } }), ['ingest checksum/secrets']);
    assert.deepEqual(await changed({ externalRedis: { url: 'redis://other' } }), [
      'ingest checksum/secrets',
      'edge checksum/secrets',
    ]);
    assert.deepEqual(await changed({ apiKeys: { lines: [`other sha256:${'1'.repeat(64)}`] } }), []);
    assert.deepEqual(await changed({ ingest: { config: { gapRepairMs: 90 } } }), ['ingest checksum/config']);
    assert.deepEqual(await changed({ edge: { config: { messageBufferSize: 30 } } }), ['edge checksum/config']);
    assert.deepEqual(await changed({ edge: { drain: { timeoutMs: 20_000 } } }), ['edge checksum/config']);
    assert.deepEqual(await changed({ config: { logLevel: 'debug' } }), [
      'ingest checksum/config',
      'edge checksum/config',
    ]);
    assert.deepEqual(await changed({ edge: { replicas: 9 } }), []);
  });

  it('give the bundled Redis the password that ingests and edges use, one made for all of them', async () => {
    const rendering = await chart.render({ simulator: { enabled: true }, redis: { enabled: true } });
    const password = decoded(rendering, 'redis', 'redis-password');
    assert.match(password, /^[A-Za-z0-9]{32}$/);
    assert.equal(decoded(rendering, 'redis', 'redis-url'), `redis://:${password}@r-flashcast-redis.stream.svc:6379`);
    assert.match(decoded(rendering, 'redis', 'redis.conf'), new RegExp(`^requirepass ${password}$`, 'm'));
    const { podSpec } = rendering.get('Deployment', 'redis');
    assert.ok(!JSON.stringify(podSpec).includes(password));
    const again = await chart.render({ simulator: { enabled: true }, redis: { enabled: true } });
    assert.notEqual(decoded(again, 'redis', 'redis-password'), password);
    assert.notDeepEqual(checksums(again, 'edge'), checksums(rendering, 'edge'));
  });

  it('keep the made password over upgrades, so that nothing restarts', async () => {
    const cluster = use(await FakeCluster.start());
    const values = { simulator: { enabled: true }, redis: { enabled: true } };
    const installed = await chart.render(values, [], cluster.flags);
    assert.deepEqual(new Set(cluster.asked), new Set(['/api/v1/namespaces/stream/secrets/r-flashcast-redis']));

    cluster.objects.set('stream/secrets/r-flashcast-redis', installed.get('Secret', 'redis').json);
    const upgraded = await chart.render(values, [], cluster.flags);
    assert.equal(upgraded.text, installed.text);

    const set = await chart.render(over(values, { redis: { password: 'chosen-now' } }), [], cluster.flags);
    assert.equal(decoded(set, 'redis', 'redis-password'), 'chosen-now');
    for (const component of ['ingest', 'edge', 'redis'])
      assert.notDeepEqual(checksums(set, component), checksums(installed, component), component);
  });

  it('make a new password where the Secret of that name is one of an external Redis', async () => {
    const cluster = use(await FakeCluster.start());
    const external = await chart.render({ ...SECRETS });
    cluster.objects.set('stream/secrets/r-flashcast-redis', external.get('Secret', 'redis').json);
    const bundled = await chart.render(MINIMAL, [], cluster.flags);
    assert.equal(decoded(bundled, 'redis', 'redis-password'), 'bundled-secret');
    const made = await chart.render({ simulator: { enabled: true }, redis: { enabled: true } }, [], cluster.flags);
    assert.match(decoded(made, 'redis', 'redis-password'), /^[A-Za-z0-9]{32}$/);
  });
});
