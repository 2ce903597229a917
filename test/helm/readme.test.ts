import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART } from './support/chart.ts';
import { undocumentedValues, valuesTable } from './support/values-table.ts';

const BEGIN = '<!-- values: begin -->\n';
const END = '\n<!-- values: end -->';

describe("the chart's README", () => {
  it('has the table of all values: FLASHCAST_WRITE_README=1 npx mocha test/helm/readme.test.ts writes it', async () => {
    const file = join(CHART, 'README.md');
    const table = valuesTable(await readFile(join(CHART, 'values.yaml'), 'utf8'));
    const text = await readFile(file, 'utf8');
    const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
    assert.ok(from >= BEGIN.length && to > from);
    if (process.env['FLASHCAST_WRITE_README'] === '1') {
      await writeFile(file, text.slice(0, from) + table + text.slice(to));
    } else {
      assert.equal(text.slice(from, to), table);
    }
  });

  it('leaves no value out', async () => {
    assert.deepEqual(undocumentedValues(await readFile(join(CHART, 'values.yaml'), 'utf8')), []);
  });
});
