import { strict as assert } from 'node:assert';
import { load } from './support.ts';
import { SECRETS, WRONG_CONFIGURATIONS } from './wrong-configurations.ts';

describe('problems of settings', () => {
  it('are tried with at least 20 wrong configurations', () => {
    assert.ok(WRONG_CONFIGURATIONS.length >= 20);
  });

  for (const { title, program, expected, ...sources } of WRONG_CONFIGURATIONS) {
    it(`are all named, without a secret: ${title}`, () => {
      const result = load(program, sources);
      assert.ok(result.kind === 'problems');
      const found = result.problems;
      for (const pattern of expected) {
        assert.equal(found.filter((problem) => pattern.test(problem)).length, 1, `${pattern}\n${found.join('\n')}`);
      }
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const secret of SECRETS) assert.ok(!found.join('\n').includes(secret), `shows ${secret}`);
    });
  }
});
