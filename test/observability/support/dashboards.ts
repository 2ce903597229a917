import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART } from '../../helm/support/chart.ts';

const FOLDER = join(CHART, 'files', 'dashboards');

export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat?: string;
  readonly datasource: { readonly uid: string };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly Target[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string; readonly noValue?: string } };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

/** What is told of a dashboard of Grafana here. */
export interface Dashboard {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly description?: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
}

/** The dashboards that the chart and compose share. */
export async function readDashboards(): Promise<readonly Dashboard[]> {
  const files = (await readdir(FOLDER)).sort();
  return Promise.all(
    files.map(async (file) => ({
      ...(JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as Omit<Dashboard, 'file'>),
      file,
    })),
  );
}

/** Text of a variable's query. */
export function queryOf({ query }: Variable): string {
  return typeof query === 'string' ? query : query.query;
}

/** An expression with values for its variables: everything, unless another value is given. */
export function filledIn(expr: string, values: Readonly<Record<string, string>> = {}): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '1m')
    .replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => values[name] ?? '.*');
}
