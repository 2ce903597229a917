import assert from 'node:assert/strict';
import type { BaseNode } from '../support/base-node.ts';
import { herdReport } from './herd.ts';

type Judged = Parameters<typeof herdReport>[0][number];

function node(faults: Partial<Pick<BaseNode, 'received' | 'violations' | 'pongTimeouts' | 'connected'>> = {}): Judged {
  const seams = [{ at: 1, url: 'ws://edge', outcome: 'complete' }];
  return { seams, received: [0, 1, 2], violations: 0, pongTimeouts: 0, connected: true, ...faults };
}

describe('chaos: the report on a herd', () => {
  it('finds nothing wrong with clients that got what they missed', () => {
    assert.deepEqual(herdReport([node(), node()]), { complete: 2, left: 0, pongTimeouts: 0, violations: 0 });
  });

  it('tells who missed something, who left and why', () => {
    const nodes = [node({ violations: 2 }), node({ connected: false }), node({ pongTimeouts: 1 })];
    assert.deepEqual(herdReport(nodes), { complete: 3, left: 1, pongTimeouts: 1, violations: 1 });
  });

  it('takes the message that a client resumed from, sent again, for a violation, which it is to no base node', () => {
    assert.equal(herdReport([node(), node({ received: [0, 0, 1, 2] })]).violations, 1);
  });
});
