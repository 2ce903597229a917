import assert from 'node:assert/strict';
import { needTool, PROMETHEUS } from '../helm/support/go-tool.ts';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { freePort, Program } from '../support/program.ts';
import { startEdge, startIngest, type Server } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';
import { filledIn, queryOf, readDashboards, type Dashboard } from './support/dashboards.ts';
import { Prometheus } from './support/prometheus.ts';

/** Clients of several kinds, so that every panel has something to show. */
const PATHS = ['/ws/secret', '/ws/secret?encoding=br', `/ws/secret?addresses=0x42${'0'.repeat(36)}06`];

describe('every panel of the dashboards (needs Prometheus, or Go to build it)', function () {
  this.timeout(180_000);
  const use = usesResources();
  let binary = '';

  before(async function () {
    binary = await needTool(this, PROMETHEUS);
  });

  async function startFleet(): Promise<{ readonly ingests: readonly Server[]; readonly edges: readonly Server[] }> {
    // Two builders of the same messages, each of which pauses now and then: each is behind the other at times.
    const upstreams = [];
    for (const stallEvery of ['11', '17']) {
      const listen = `127.0.0.1:${await freePort()}`;
      use(Program.start(['simulate', '--listen', listen, '--stall-every', stallEvery, '--stall-ms', '300']));
      upstreams.push(`ws://${listen}`);
    }
    const redis = use(await openProgramsRedis());
    const edgeSettings = { API_KEYS: 'wallet:secret', PER_IP_CONNECTION_LIMIT: '1000' };
    const ingests = [];
    for (let at = 0; at < 2; at += 1) ingests.push(use(await startIngest(upstreams, redis.url, redis.settings)));
    const edges = [];
    for (let at = 0; at < 3; at += 1)
      edges.push(use(await startEdge(redis.url, { ...redis.settings, ...edgeSettings })));
    await Promise.all([...ingests, ...edges].map((server) => server.ready()));
    return { ingests, edges };
  }

  /** Texts for a dashboard's variables: the first that Prometheus has. */
  async function choose(prometheus: Prometheus, { templating }: Dashboard): Promise<Readonly<Record<string, string>>> {
    const chosen: Record<string, string> = {};
    for (const variable of templating.list) {
      const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(queryOf(variable)) ?? [];
      if (series === '') continue;
      const found = await prometheus.until(
        `group by (${label}) (${filledIn(series)})`,
        (samples) => samples.length > 0,
      );
      chosen[variable.name] = found[0]?.metric[label] ?? '';
    }
    return chosen;
  }

  it('has data from a Prometheus that scrapes two ingests and three edges, and no alert fires there', async () => {
    const { ingests, edges } = await startFleet();
    const ports = (servers: readonly Server[]): readonly number[] => servers.map(({ metricsPort }) => metricsPort);
    const prometheus = use(await Prometheus.start(binary, { ingest: ports(ingests), edge: ports(edges) }));
    await prometheus.until('sum(up)', ([sum]) => sum?.value === 5);
    const swarm = use(await ClientSwarm.connect({ port: edges[0]!.port, clients: 1, path: PATHS[0]! }));
    for (const { port } of edges) for (const path of PATHS) await swarm.add({ port, clients: 5, path });
    assert.deepEqual(new Set(swarm.clients.map(({ status }) => status)), new Set([101]));

    let queries = 0;
    for (const dashboard of await readDashboards()) {
      const values = await choose(prometheus, dashboard);
      assert.ok(Object.keys(values).length > 0);
      for (const { title, targets = [] } of dashboard.panels) {
        for (const { expr } of targets) {
          // What is not a number shows nothing: a quantile of no events.
          await prometheus
            .until(filledIn(expr, values), (samples) => samples.some(({ value }) => !Number.isNaN(value)))
            .catch((error: unknown) => assert.fail(`${dashboard.file}: ${title}: ${String(error)}`));
          queries += 1;
        }
      }
    }
    assert.ok(queries > 80, `${queries} queries`);
    assert.deepEqual(await prometheus.query('ALERTS{alertstate="firing"}'), []);
  });
});
