import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { readRules } from '../observability/support/alert-case.ts';
import { PrometheusApi } from '../observability/support/prometheus.ts';
import { at, type JsonObject } from '../helm/support/json.ts';
import { ComposeStack, needsDocker } from './docker.ts';

/** The first build of the image installs all packages twice. */
const BUILD_PATIENCE_MS = 8 * 60_000;
/** Grafana is not among them: it has no part in what is found and asked here, and its image is not everywhere to be had. */
const SERVICES = ['prometheus', 'edge', 'ingest', 'haproxy'];

describe('docker compose --profile observability (needs Docker and compose)', function () {
  this.timeout(180_000);
  const stack = new ComposeStack(['observability']);
  let started = false;

  before(async function () {
    await needsDocker(this);
  });

  after(async () => {
    if (started) await stack.down();
  });

  it('is valid, publishes on loopback alone, and lets nobody be an administrator', async () => {
    const { services } = parse(await stack.compose('config')) as { services: Record<string, JsonObject> };
    for (const [service, port] of Object.entries({ prometheus: 9090, grafana: 3000 })) {
      const { [service]: one } = services;
      assert.equal(one?.['read_only'], true);
      assert.equal(at(one, 'ports.0.target'), port);
      assert.equal(at(one, 'ports.0.host_ip'), '127.0.0.1');
    }
    const settings = at(services['grafana'], 'environment') as JsonObject;
    assert.equal(settings['GF_AUTH_ANONYMOUS_ORG_ROLE'], 'Viewer');
    assert.equal(settings['GF_AUTH_DISABLE_LOGIN_FORM'], 'true');
    assert.equal(settings['GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION'], 'true');
    assert.ok(!Object.keys(settings).some((name) => name.includes('PASSWORD')));
  });

  it('is no part of what runs without the profile', async () => {
    const { services } = parse(await new ComposeStack().compose('config')) as { services: JsonObject };
    assert.deepEqual(Object.keys(services).sort(), ['builder', 'edge', 'haproxy', 'ingest', 'redis']);
  });

  it('scrapes every process of a scaled stack, also one that comes later, and evaluates the rules', async function () {
    this.timeout(BUILD_PATIENCE_MS);
    started = true;
    await stack.up(3, SERVICES);
    const prometheus = new PrometheusApi(`http://127.0.0.1:${await stack.portOf('prometheus', 9090)}`);
    const scraped = async (edges: number): Promise<void> => {
      const jobs = { edge: edges, ingest: 2, haproxy: 1 };
      await prometheus.until('sum by (job) (up)', (samples) =>
        Object.entries(jobs).every(([job, count]) =>
          samples.some(({ metric, value }) => metric['job'] === job && value === count),
        ),
      );
    };
    await scraped(3);
    await stack.up(4, SERVICES);
    await scraped(4);
    const [messages] = await prometheus.until(
      'count(flashcast_stream_messages_total{namespace="flashcast"} > 0)',
      ([count]) => count?.value === 4,
    );
    assert.ok(messages !== undefined);
    assert.deepEqual(
      new Set(await prometheus.rules()),
      new Set((await readRules()).map(({ alert, record }) => alert ?? record)),
    );
  });
});
