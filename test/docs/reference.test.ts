import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { metricsReference } from './support/metrics-reference.ts';
import { settingsReference } from './support/settings-reference.ts';

const FOLDER = new URL('../../docs/reference/', import.meta.url);

/** Pages that are made from the code; `npm run docs` writes them. */
const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'settings.md': settingsReference,
  'metrics.md': metricsReference,
};

describe('the reference', () => {
  for (const [name, make] of Object.entries(PAGES)) {
    it(`has ${name} as the code has it: npm run docs writes it`, async () => {
      const page = new URL(name, FOLDER);
      const made = await make();
      if (process.env['FLASHCAST_WRITE_DOCS'] === '1') await writeFile(page, made);
      assert.equal(await readFile(page, 'utf8'), made);
    });
  }
});
