import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Registry } from 'prom-client';
import { createEdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import { createIngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import { createKeyMetrics } from '../../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../../shared/metrics/redis-metrics.ts';
import { createRegistry } from '../../shared/metrics/registry.ts';
import { Program } from '../support/program.ts';
import { readRules } from './support/alert-case.ts';

const MANUAL = new URL('../../docs/operations.md', import.meta.url);
const PARTS = ['Means', 'Users see', 'First look', 'Likely', 'Do'];

describe("the operator's manual", function () {
  this.timeout(30_000);
  let text = '';

  before(async () => {
    text = await readFile(MANUAL, 'utf8');
  });

  it('has a section for every alert and for no other, each with all that a person on call asks', async () => {
    const runbook = text.slice(text.indexOf('## Runbook'));
    const sections = runbook.split('\n### ').slice(1);
    const alerts = (await readRules()).flatMap(({ alert }) => alert ?? []);
    assert.deepEqual(
      sections.map((section) => section.split('\n')[0]),
      alerts,
    );
    for (const section of sections)
      assert.deepEqual(
        [...section.matchAll(/^- \*\*(.+)\*\*: ./gm)].map(([, part]) => part),
        PARTS,
        section.split('\n')[0],
      );
  });

  it('speaks of alerts, settings and metrics alone that there are', async () => {
    const rules = new Set((await readRules()).map(({ alert, record }) => alert ?? record ?? ''));
    for (const [name] of text.matchAll(/\bFlashcast[A-Z]\w+/g)) assert.ok(rules.has(name), name);

    const help = await Promise.all(['edge', 'ingest', 'proxy'].map((program) => Program.run([program, '--help'])));
    const settings = help.map(({ stdout }) => stdout).join('\n');
    for (const [name] of text.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)) assert.ok(settings.includes(name), name);

    const registry = createRegistry({ metricsGlobalLabels: {}, metricsHostLabel: false });
    const own = new Registry();
    for (const create of [
      createEdgeMetrics,
      createEncodingMetrics,
      createKeyMetrics,
      createLimitMetrics,
      createRedisMetrics,
    ])
      create(own);
    const ingest = new Registry();
    createIngestMetrics(ingest);
    const known = new Set(
      (await Promise.all([registry, own, ingest].map((one) => one.getMetricsAsJSON()))).flat().map(({ name }) => name),
    );
    const named = [...text.matchAll(/\b(?:flashcast|websocket_proxy|process|nodejs)_\w+/g)].map(([name]) => name);
    assert.ok(named.length > 10);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });
});
