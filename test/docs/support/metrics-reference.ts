import { readdirSync } from 'node:fs';
import { Registry } from 'prom-client';
import { createRegistry } from '../../../shared/metrics/registry.ts';
import { cell } from './table.ts';

const FOLDER = new URL('../../../shared/metrics/', import.meta.url);

/** A metric as prom-client keeps it. */
interface Declared {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

/** The page of all metrics, made by registering those of every file in `shared/metrics`. */
export async function metricsReference(): Promise<string> {
  const sections = await Promise.all(
    readdirSync(FOLDER)
      .filter((name) => name.endsWith('-metrics.ts'))
      .sort()
      .map(section),
  );
  return [
    '# Metrics',
    '',
    'Made from `shared/metrics` by `npm run docs`. A process exports the groups of what it does: an edge those of the edge, its keys,',
    'limits, encoding and Redis, an ingest those of the ingest, encoding and Redis, a proxy all of them.',
    '',
    "`websocket_proxy_` are the names of base's `websocket-proxy`, kept so that its dashboards go on working. Labels come from closed",
    'sets: never an address, a key, a URI or anything that a client chose. METRICS_GLOBAL_LABELS adds labels to all.',
    '',
    '## Process',
    '',
    ...table(await declaredIn(createRegistry({ metricsGlobalLabels: {}, metricsHostLabel: false }), /^flashcast_/)),
    '',
    "and prom-client's default metrics of the process, `process_` and `nodejs_`.",
    ...sections.flat(),
    '',
  ].join('\n');
}

async function section(file: string): Promise<readonly string[]> {
  const registry = new Registry();
  const made = (await import(new URL(file, FOLDER).href)) as Readonly<Record<string, (registry: Registry) => unknown>>;
  for (const [name, create] of Object.entries(made)) {
    if (/^create\w+Metrics$/.test(name)) create(registry);
  }
  const title = file.replace(/-metrics\.ts$/, '').replaceAll('-', ' ');
  return ['', `## ${title[0]?.toUpperCase()}${title.slice(1)}`, '', ...table(await declaredIn(registry, /./))];
}

async function declaredIn(registry: Registry, names: RegExp): Promise<readonly Declared[]> {
  const found = registry.getMetricsAsArray() as unknown as readonly Declared[];
  return Promise.resolve(found.filter(({ name }) => names.test(name)));
}

function table(metrics: readonly Declared[]): readonly string[] {
  return [
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...metrics.map(
      ({ name, type, labelNames = [], help }) =>
        `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
    ),
  ];
}
