import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomeOf } from '../helm/support/chart.ts';
import { needTool, PROMTOOL } from '../helm/support/go-tool.ts';
import { CLIENT_CASES } from './cases/clients.ts';
import { LATENCY_CASES } from './cases/latency.ts';
import { PROCESS_CASES } from './cases/processes.ts';
import { REDIS_CASES } from './cases/redis.ts';
import { STREAM_CASES } from './cases/stream.ts';
import { UPSTREAM_CASES } from './cases/upstreams.ts';
import {
  readRules,
  RULES_FILE,
  ruleTest,
  type ExpectedAlert,
  type Rule,
  type Situation,
} from './support/alert-case.ts';

const CASES = [LATENCY_CASES, STREAM_CASES, UPSTREAM_CASES, REDIS_CASES, CLIENT_CASES, PROCESS_CASES].flat();

describe('the Prometheus rules', () => {
  let rules: readonly Rule[] = [];
  const alerts = (): readonly Rule[] => rules.filter(({ alert }) => alert !== undefined);

  before(async () => {
    rules = await readRules();
  });

  it('have a test for every alert, in the order of the file', () => {
    assert.deepEqual(
      CASES.map(({ alert }) => alert),
      alerts().map(({ alert }) => alert),
    );
    for (const { alert, silent } of CASES) assert.ok(Object.keys(silent).length > 0, alert);
  });

  it('give every alert a time, a severity, a summary, a description and its section of the runbook', () => {
    for (const { alert = '', labels = {}, annotations = {}, ...rule } of alerts()) {
      assert.match(rule.for ?? '', /^\d+[smh]$/, alert);
      assert.deepEqual(Object.keys(labels), ['severity'], alert);
      assert.ok(['critical', 'warning'].includes(labels['severity'] ?? ''), alert);
      assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook_url'], alert);
      assert.equal(annotations['runbook_url'], `docs/operations.md#${alert.toLowerCase()}`);
    }
  });

  it('end every alert in its threshold, and repeat it in no text', () => {
    for (const { alert = '', expr, annotations = {} } of alerts()) {
      assert.match(expr, / [<>] \d+(\.\d+)?$/, alert);
      assert.doesNotMatch(annotations['description'] ?? '', /\{\{/, alert);
    }
  });

  describe('(needs promtool, or Go to build it)', () => {
    let promtool = '';
    let folder = '';

    before(async function () {
      promtool = await needTool(this, PROMTOOL);
      folder = await mkdtemp(join(tmpdir(), 'flashcast-rules-'));
    });

    after(async () => {
      if (folder !== '') await rm(folder, { recursive: true });
    });

    async function check(alert: string, situation: Situation, expected: readonly ExpectedAlert[], interval?: string) {
      const rule = alerts().find((one) => one.alert === alert);
      assert.ok(rule !== undefined);
      const file = join(folder, 'test.yaml');
      await writeFile(file, ruleTest(rule, situation, expected, interval));
      const { status, stdout, stderr } = await outcomeOf(promtool, ['test', 'rules', file]);
      assert.equal(status, 0, stdout + stderr);
    }

    it('are taken by promtool check rules', async () => {
      const { status, stdout, stderr } = await outcomeOf(promtool, ['check', 'rules', RULES_FILE]);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`${rules.length} rules found`));
    });

    for (const { alert, interval, fires, silent } of CASES) {
      describe(alert, () => {
        it('fires', () => check(alert, fires, fires.alerts, interval));
        for (const [why, situation] of Object.entries(silent))
          it(`is silent when ${why}`, () => check(alert, situation, [], interval));
      });
    }
  });
});
