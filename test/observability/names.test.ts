import assert from 'node:assert/strict';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { generatedSamples } from '../support/fixtures.ts';
import { startDemo, startEdge, startIngest } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';
import { readRules } from './support/alert-case.ts';
import { filledIn, queryOf, readDashboards } from './support/dashboards.ts';
import { readExported, type Exported } from './support/exported.ts';
import { askedBy } from './support/promql.ts';

/** What Prometheus adds to every target, by itself and by the relabelings of the chart and of compose. */
const TARGET_LABELS = ['namespace', 'job', 'instance'];
/** What Prometheus makes by itself, of scrapes and of alerts. */
const TARGET_SERIES = ['up', 'ALERTS'];

describe('the names in rules and dashboards', function () {
  this.timeout(60_000);
  const use = usesResources();

  /** Where each expression stands, and the expression. */
  async function expressions(): Promise<readonly (readonly [string, string])[]> {
    const dashboards = await readDashboards();
    return [
      ...(await readRules()).map(({ alert, record, expr }) => [alert ?? record ?? '', expr] as const),
      ...dashboards.flatMap(({ file, panels, templating }) => [
        ...panels.flatMap(({ title, targets = [] }) =>
          targets.map(({ expr }) => [`${file}: ${title}`, filledIn(expr)] as const),
        ),
        ...templating.list
          .map((variable) => [`${file}: $${variable.name}`, queryOf(variable)] as const)
          .filter(([, query]) => query.startsWith('label_values(')),
      ]),
    ];
  }

  async function compare(exported: Exported, recorded: ReadonlySet<string>): Promise<number> {
    const names = new Set([...exported.names, ...recorded, ...TARGET_SERIES]);
    const faults: string[] = [];
    const asked = new Set<string>();
    for (const [where, expression] of await expressions()) {
      const { selectors, groupings } = askedBy(expression.replace(/^label_values\((.*), (\w+)\)$/, 'sum by ($2) ($1)'));
      const known = new Set(TARGET_LABELS);
      for (const { name, labels } of selectors) {
        asked.add(name);
        if (!names.has(name)) faults.push(`${where}: no process exports ${name}`);
        const exportedLabels = exported.labels.get(name);
        for (const label of exportedLabels?.keys() ?? []) known.add(label);
        for (const [label, text] of labels) {
          if (TARGET_LABELS.includes(label) || exportedLabels === undefined) continue;
          const texts = [...(exportedLabels.get(label) ?? [])];
          if (!texts.some((one) => new RegExp(`^(?:${text})$`).test(one)))
            faults.push(`${where}: ${name} has no ${label}="${text}"`);
        }
      }
      for (const label of groupings)
        if (!known.has(label)) faults.push(`${where}: nothing in it has the label ${label}`);
    }
    assert.deepEqual(faults, []);
    return asked.size;
  }

  it('are what a running ingest and edge, and a running proxy, export, with their labels', async () => {
    const builders = [use(await TestBuilder.start()), use(await TestBuilder.start())];
    const redis = use(await openProgramsRedis());
    const ingest = use(
      await startIngest(
        builders.map(({ url }) => url),
        redis.url,
        redis.settings,
      ),
    );
    const edge = use(await startEdge(redis.url, redis.settings));
    const proxy = use(await startDemo());
    await Promise.all([ingest.ready(), edge.ready(), proxy.ready()]);
    const swarm = use(await ClientSwarm.connect({ port: edge.port, clients: 2 }));
    for (const builder of builders) {
      const [connection] = await builder.connected();
      for (const { content } of generatedSamples().slice(0, 3)) connection!.sendText(content);
      await swarm.received(3);
    }
    // The second builder's copies, by which lags are known.
    while ((await ingest.metric('flashcast_upstream_duplicates_total')) === 0);
    const both = readExported([await ingest.page('/metrics'), await edge.page('/metrics')]);
    const recorded = new Set((await readRules()).flatMap(({ record }) => record ?? []));
    const asked = await compare(both, recorded);
    assert.ok(asked > 40, `${asked} names are asked for`);

    const alone = readExported([await proxy.page('/metrics')]);
    const elsewhere = [...both.names].filter((name) => !alone.names.has(name));
    // A proxy without REDIS_URL has no Redis to tell about.
    assert.deepEqual(
      elsewhere.filter((name) => !name.startsWith('flashcast_redis_')),
      [],
    );
  });

  it('are found in expressions', () => {
    const { selectors, groupings } = askedBy(
      '(sum by (namespace) (rate(a_total{x="1",y=~"b|c"}[5m] offset 1h)) / on (x) group_left (z) d:e) > 1e3 and absent(f) unless inf',
    );
    assert.deepEqual(
      selectors.map(({ name, labels }) => [name, Object.fromEntries(labels)]),
      [
        ['a_total', { x: '1', y: 'b|c' }],
        ['d:e', {}],
        ['f', {}],
      ],
    );
    assert.deepEqual([...groupings], ['namespace', 'x', 'z']);
  });
});
