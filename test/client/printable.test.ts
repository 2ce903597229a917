import assert from 'node:assert/strict';
import { printable } from '../../client/printable.ts';

describe('printable', () => {
  it('leaves no control character of a server, nor endless text', () => {
    assert.equal(printable('a\u001b[31mred\u001b]0;title\u0007\r\n\u009bz'), 'ared???z');
    assert.equal(printable('x'.repeat(500), 10), 'xxxxxxxxxx...');
    assert.equal(printable('\u001b]8;;http://x\u001b\\link\u001b]0;open'), 'link');
  });
});
