import assert from 'node:assert/strict';
import { insertTable, renderTable } from './report.ts';
import type { ClientVerdict } from './judge.ts';
import type { Demands, Row } from './row.ts';
import { verdictOf, type JudgedNode, type RowVerdict } from './verdict.ts';

const URL = 'ws://127.0.0.1:1/ws';
const TRUTH = Array.from({ length: 4 }, (_, index) => ({
  position: { blockNumber: 7, index },
  contentHash: String(index),
  publishedAt: 100 * index,
}));
const CLEAN: Omit<ClientVerdict, 'number'> = {
  lost: [],
  told: 0,
  repeated: [],
  outOfOrder: [],
  foreign: 0,
  silenceMs: 40,
  recoveredMs: [],
};

function row(demands: Demands): Row {
  return { name: 'a-row', fault: 'a fault', demands, run: () => Promise.resolve() };
}

function node(number: number, verdict: Partial<ClientVerdict>, { resumes = true, connects = 1 } = {}): JudgedNode {
  const seams = Array.from({ length: connects }, () => ({ at: 0, url: URL, outcome: undefined }));
  return {
    node: { number, resumes, seams, closes: new Map(), pongTimeouts: 0, wipedBlocks: 0 },
    verdict: { number, ...CLEAN, ...verdict },
  };
}

function judge(demands: Demands, nodes: readonly JudgedNode[], counted = 0, marks = 0): RowVerdict {
  const at = Array.from({ length: marks }, () => ({ what: 'back', at: 0 }));
  return verdictOf(row(demands), { truth: TRUTH, marks: at, nodes, countedAt: new Map([[URL, counted]]) });
}

describe('chaos: the verdict on a row', () => {
  it('passes where every resuming client has everything, whatever the others lost', () => {
    const nodes = [node(0, {}), node(1, { lost: [1, 2] }, { resumes: false })];
    const verdict = judge({ lost: 'nothing', silenceMs: 100 }, nodes);
    assert.deepEqual(verdict.wrong, []);
    assert.deepEqual([verdict.clients, verdict.lost, verdict.bystanders.lost], [1, 0, 2]);
  });

  it('names the client and the positions that it lost, told or not', () => {
    const { wrong } = judge({ lost: 'nothing' }, [node(0, {}), node(5, { lost: [1, 3], told: 2 })]);
    assert.deepEqual(wrong, ['client 5 lost: 7-1 7-3']);
  });

  for (const [what, fault] of [
    ['a repeat', { repeated: [2] }],
    ['a wrong order', { outOfOrder: [2] }],
    ['a message that nobody published', { foreign: 1 }],
    ['too long a silence', { silenceMs: 101 }],
    ['a recovery that takes too long', { recoveredMs: [201] }],
    ['a recovery that never comes', { recoveredMs: [Infinity] }],
  ] as const satisfies readonly [string, Partial<ClientVerdict>][]) {
    it(`fails on ${what} at one client`, () => {
      const nodes = [node(0, { recoveredMs: [0] }), node(1, { recoveredMs: [0], ...fault })];
      const { wrong } = judge({ lost: 'nothing', silenceMs: 100, recoveredMs: 200 }, nodes, 0, 1);
      assert.equal(wrong.length, 1, wrong.join('; '));
    });
  }

  for (const fault of [{ repeated: [2] }, { outOfOrder: [2] }, { foreign: 1 }] satisfies Partial<ClientVerdict>[]) {
    it(`fails on ${Object.keys(fault)[0]} at a client that does not resume`, () => {
      const { wrong, repeated } = judge({ lost: 'nothing' }, [node(0, {}), node(1, fault, { resumes: false })]);
      assert.deepEqual([wrong.length, repeated], [1, 0], wrong.join('; '));
    });
  }

  it('fails without clients, and where a demanded recovery has no mark', () => {
    assert.deepEqual(judge({ lost: 'nothing' }, []).wrong, ['there was no client']);
    assert.equal(judge({ lost: 'nothing', recoveredMs: 200 }, [node(0, {})]).wrong.length, 1);
  });

  it('fails on a connection that ended, where nobody may be closed', () => {
    assert.equal(judge({ lost: 'nothing', nobodyClosed: true }, [node(0, {})]).wrong.length, 0);
    assert.equal(judge({ lost: 'nothing', nobodyClosed: true }, [node(0, {}, { connects: 2 })]).wrong.length, 1);
  });

  it('takes a loss that the edge counted exactly, and neither more nor less', () => {
    const nodes = [node(0, { lost: [1, 2] })];
    for (const [counted, problems] of [
      [1, 1],
      [2, 0],
      [3, 1],
    ] as const) {
      assert.equal(judge({ lost: 'counted' }, nodes, counted).wrong.length, problems);
    }
  });

  it('takes from a client that connected again no loss that it was not told of and its edge did not count', () => {
    for (const [told, counted, problems] of [
      [0, 0, 1],
      [1, 0, 1],
      [0, 1, 1],
      [2, 0, 0],
      [1, 1, 0],
      [0, 2, 0],
    ] as const) {
      const again = node(0, { lost: [1, 2], told }, { connects: 2 });
      assert.equal(
        judge({ lost: 'counted' }, [again], counted).wrong.length,
        problems,
        `told ${told}, counted ${counted}`,
      );
    }
  });

  it('becomes a line of the table, between the markers of the file', () => {
    const verdict = judge({ lost: 'counted' }, [node(0, { lost: [1] }), node(1, { lost: [1] })], 1);
    const line = '| a fault | 2 | 4 | 1 each, counted 1 | 0 | 0 | 40 ms |  | 0 | 0 |';
    assert.ok(renderTable([verdict]).endsWith(line));
    const once = insertTable('# Title\n\n', [verdict], 'Seed 1.');
    const twice = insertTable(`${once}\nBehind it.\n`, [verdict], 'Seed 2.');
    assert.equal(twice.split(line).length, 2);
    assert.ok(twice.startsWith('# Title\n\n<!--') && twice.endsWith('\nBehind it.\n') && twice.includes('Seed 2.'));
  });
});
