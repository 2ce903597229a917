import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { readVersion } from '../../shared/version.ts';

describe('version', () => {
  it("is the package's, and the revision is unknown where nothing was built", () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.deepEqual(readVersion(), { version: manifest.version, revision: 'unknown' });
  });
});
