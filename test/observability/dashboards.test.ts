import assert from 'node:assert/strict';
import { readDashboards, type Dashboard, type Panel } from './support/dashboards.ts';

/** Of Grafana's; `short` is a plain number. */
const UNITS = ['s', 'short', 'bytes', 'Bps', 'mps', 'cps', 'percentunit'];
/** Grafana's grid is so wide. */
const COLUMNS = 24;

describe('the Grafana dashboards', () => {
  let dashboards: readonly Dashboard[] = [];
  const panels = (): readonly (Panel & { readonly where: string })[] =>
    dashboards.flatMap((dashboard) =>
      dashboard.panels
        .filter(({ type }) => type !== 'row')
        .map((panel) => ({ ...panel, where: `${dashboard.file}: ${panel.title}` })),
    );

  before(async () => {
    dashboards = await readDashboards();
  });

  it('are three: all of an installation, one builder, one edge', () => {
    assert.deepEqual(
      dashboards.map(({ uid, file }) => [uid, file]),
      [
        ['flashcast-edge', 'one-edge.json'],
        ['flashcast-upstream', 'one-upstream.json'],
        ['flashcast-overview', 'overview.json'],
      ],
    );
    assert.ok(dashboards.every(({ description = '' }) => description !== ''));
  });

  it('let people choose Prometheus, the installation, and which builder or edge', () => {
    assert.deepEqual(
      dashboards.map(({ templating }) => templating.list.map(({ name }) => name)),
      [
        ['datasource', 'namespace', 'instance'],
        ['datasource', 'namespace', 'upstream'],
        ['datasource', 'namespace'],
      ],
    );
  });

  it('say of each panel what it shows and in what unit', () => {
    for (const { where, description = '', fieldConfig } of panels()) {
      assert.match(description, /^[A-Z0-9`].*\.$/s, where);
      assert.ok(UNITS.includes(fieldConfig?.defaults.unit ?? ''), where);
    }
  });

  it('ask the Prometheus that was chosen, for the installation that was chosen', () => {
    for (const { where, targets = [] } of panels()) {
      assert.ok(targets.length > 0, where);
      for (const { expr, datasource } of targets) {
        assert.equal(datasource.uid, '${datasource}', where);
        assert.ok(expr.includes('namespace=~"$namespace"'), `${where}: ${expr}`);
      }
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, where);
    }
  });

  it('lay their panels out without one over another', () => {
    for (const { file, panels: all } of dashboards) {
      assert.equal(new Set(all.map(({ id }) => id)).size, all.length, file);
      const taken = new Set<string>();
      for (const { title, gridPos } of all) {
        assert.ok(gridPos.x + gridPos.w <= COLUMNS, `${file}: ${title}`);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.ok(!taken.has(`${x},${y}`), `${file}: ${title}`);
            taken.add(`${x},${y}`);
          }
      }
    }
  });
});
