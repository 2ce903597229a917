import assert from 'node:assert/strict';
import { readOptions, UsageError } from './options.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows/index.ts';

const rows = ['one', 'two', 'three'].map((name): Row => ({
  name,
  fault: name,
  demands: { lost: 'nothing' },
  run: () => Promise.resolve(),
}));

describe('chaos: the command line', () => {
  it('runs every row once with a drawn seed by default', () => {
    const options = readOptions([], rows, 77);
    assert.deepEqual([options.seed, options.rows, options.forMs], [77, rows, undefined]);
  });

  it('takes a seed, some rows and a time', () => {
    const options = readOptions(['--seed', '5', '--row', 'three', '--row', 'one', '--minutes', '2'], rows, 77);
    assert.deepEqual(
      [options.seed, options.rows.map(({ name }) => name), options.forMs],
      [5, ['one', 'three'], 120_000],
    );
    assert.equal(readOptions(['--seconds', '60'], rows, 1).forMs, 60_000);
    const long = { ...rows[0]!, name: 'long', long: true };
    assert.deepEqual(readOptions(['--seconds', '60'], [...rows, long], 1).rows, rows);
    assert.ok(readOptions(['--minutes', '1'], [...rows, long], 1).rows.includes(long));
    assert.deepEqual(readOptions(['--seconds', '60', '--row', 'long'], [...rows, long], 1).rows, [long]);
  });

  for (const args of [
    ['--row', 'four'],
    ['--bug', 'none'],
    ['--seed', '1.5'],
    ['--seconds', '0'],
    ['--seconds', '9', '--minutes', '1'],
    ['--sed', '1'],
    ['one'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.throws(() => readOptions(args, rows, 1), UsageError);
    });
  }

  it('finds every row under a name of its own', () => {
    assert.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length);
    for (const { name } of ROWS) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});
