import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { CHART } from '../../helm/support/chart.ts';

/** The rules that the chart and compose share. */
export const RULES_FILE = join(CHART, 'files', 'rules.yaml');

/** Values of series over time in promtool's notation, by series: `{'flashcast_redis_up{instance="a"}': '1x3 0x9'}`. */
export type Series = Readonly<Record<string, string>>;

/** An alert as it reaches people. */
export interface ExpectedAlert {
  /** Without the severity, which the rule says. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

export interface Situation {
  readonly series: Series;
  /** When the alert is looked at, from the first value on, such as `30s`. */
  readonly at: string;
}

/** When an alert fires, and what is nearly that and must be silent. */
export interface AlertCase {
  readonly alert: string;
  /** Between two values; default 15 s, the chart's scrape interval. */
  readonly interval?: string;
  readonly fires: Situation & { readonly alerts: readonly ExpectedAlert[] };
  /** By what is told in a test's title behind 'is silent when'. */
  readonly silent: Readonly<Record<string, Situation>>;
}

/** A rule of the file: an alert or a recording. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export async function readRules(): Promise<readonly Rule[]> {
  const { groups } = parse(await readFile(RULES_FILE, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** A file for `promtool test rules` that asks for exactly these alerts, with all their labels and texts. */
export function ruleTest(
  rule: Rule,
  { series, at }: Situation,
  alerts: readonly ExpectedAlert[],
  interval = '15s',
): string {
  return stringify({
    rule_files: [RULES_FILE],
    evaluation_interval: interval,
    tests: [
      {
        interval,
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          {
            eval_time: at,
            alertname: rule.alert,
            exp_alerts: alerts.map(({ labels, summary }) => ({
              exp_labels: { ...labels, ...rule.labels },
              exp_annotations: { ...rule.annotations, summary },
            })),
          },
        ],
      },
    ],
  });
}
