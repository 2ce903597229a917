import assert from 'node:assert/strict';
import { Program } from '../support/program.ts';
import { startDemo } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

describe('black box: the first minute', function () {
  this.timeout(60_000);
  const use = usesResources();

  for (const encoding of ['br', 'identity', 'text'])
    it(`proxy --demo serves its built-in builder, and watch counts messages as ${encoding}`, async () => {
      const proxy = use(await startDemo());
      await proxy.ready();
      const { code, stdout, stderr } = await Program.run([
        ...['watch', proxy.url, '--count', '15', '--json', '--encoding', encoding],
      ]);
      assert.equal(code, 0);
      assert.match(stderr, /^flashcast watch: 15 messages in .*, 0 gaps, .*\n$/);
      const lines = stdout.trimEnd().split('\n');
      assert.equal(lines.length, 15);
      for (const line of lines) assert.equal((JSON.parse(line) as { encoding: string }).encoding, encoding);
    });

  it('watch says why it cannot connect and ends with 1', async () => {
    const proxy = use(await startDemo());
    await proxy.ready();
    const { code, stderr } = await Program.run(['watch', `${proxy.url}x`]);
    assert.equal(code, 1);
    assert.match(stderr, /refused with HTTP status 404: Not found\n$/);
  });
});
