/** What a row's demands make of the verdicts on its clients. Pure. */
import type { BaseNode } from '../support/base-node.ts';
import type { ClientVerdict, Mark } from './judge.ts';
import type { Row } from './row.ts';
import type { TruthEntry } from './truth.ts';

export interface JudgedNode {
  readonly node: Pick<BaseNode, 'number' | 'resumes' | 'seams' | 'closes' | 'pongTimeouts' | 'wipedBlocks'>;
  readonly verdict: ClientVerdict;
}

export interface Evidence {
  readonly truth: readonly TruthEntry[];
  readonly marks: readonly Mark[];
  readonly nodes: readonly JudgedNode[];
  /** What each edge that runs counted as lost, by its URL. */
  readonly countedAt: ReadonlyMap<string, number>;
}

/** One line of the table. */
export interface RowVerdict {
  readonly row: Row;
  /** Resuming clients. */
  readonly clients: number;
  /** Published while it ran. */
  readonly messages: number;
  /** Over all resuming clients. */
  readonly lost: number;
  readonly told: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  readonly foreign: number;
  readonly silenceMs: number;
  /** Over all marks; `undefined` where there was none. */
  readonly recoveredMs: number | undefined;
  /** What edges counted as lost, the one that counted most. */
  readonly counted: number;
  readonly reconnects: number;
  readonly pongTimeouts: number;
  /** Clients that do not resume: what they lost and repeated, and the blocks that they threw away. */
  readonly bystanders: { readonly clients: number; readonly lost: number; readonly wipedBlocks: number };
  /** What the row measured itself. */
  readonly note?: string;
  /** Where the row is not what it must be, in sentences; empty when it passed. */
  readonly wrong: readonly string[];
}

/** Clients that are named one by one; all of one edge usually miss the same. */
const MAX_NAMED_CLIENTS = 5;
const MAX_NAMED_POSITIONS = 12;

function sum(nodes: readonly JudgedNode[], of: (judged: JudgedNode) => number): number {
  return nodes.reduce((total, judged) => total + of(judged), 0);
}

function most(values: readonly number[]): number {
  return values.reduce((highest, value) => Math.max(highest, value), 0);
}

/** Judges a row as a whole. */
export function verdictOf(row: Row, { truth, marks, nodes: all, countedAt }: Evidence): RowVerdict {
  const nodes = all.filter(({ node }) => node.resumes);
  const others = all.filter(({ node }) => !node.resumes);
  const silenceMs = most(nodes.map(({ verdict }) => verdict.silenceMs));
  const recovered = marks.map((_, at) => most(nodes.map(({ verdict }) => verdict.recoveredMs[at] ?? Infinity)));
  const totals = {
    clients: nodes.length,
    messages: truth.length,
    lost: sum(nodes, ({ verdict }) => verdict.lost.length),
    told: sum(nodes, ({ verdict }) => verdict.told),
    repeated: sum(nodes, ({ verdict }) => verdict.repeated.length),
    outOfOrder: sum(nodes, ({ verdict }) => verdict.outOfOrder.length),
    foreign: sum(nodes, ({ verdict }) => verdict.foreign),
    reconnects: sum(nodes, ({ node }) => node.seams.length - 1),
    pongTimeouts: sum(nodes, ({ node }) => node.pongTimeouts),
    counted: most([...countedAt.values()]),
  };
  const { demands } = row;
  const wrong: string[] = [];
  const positions = (places: readonly number[]): string => {
    const named = places.slice(0, MAX_NAMED_POSITIONS).map((place) => {
      const { blockNumber, index } = truth[place]!.position;
      return `${blockNumber}-${index}`;
    });
    return `${named.join(' ')}${places.length > named.length ? ` and ${places.length - named.length} more` : ''}`;
  };
  const accuse = (what: string, guilty: readonly JudgedNode[], detail: (judged: JudgedNode) => string): void => {
    for (const judged of guilty.slice(0, MAX_NAMED_CLIENTS))
      wrong.push(`client ${judged.node.number} ${what}: ${detail(judged)}`);
    if (guilty.length > MAX_NAMED_CLIENTS) wrong.push(`and ${guilty.length - MAX_NAMED_CLIENTS} more clients ${what}`);
  };
  // Who does not resume may lose what came meanwhile, and sees the rest once and in order too; behind a balancer, though, the
  // next edge may be a moment behind the one before.
  const ordered = row.world?.front === undefined ? all : nodes;
  const places = (
    what: 'lost' | 'repeated' | 'outOfOrder',
    named: string,
    judged: readonly JudgedNode[] = nodes,
  ): void =>
    accuse(
      named,
      judged.filter(({ verdict }) => verdict[what].length > 0),
      ({ verdict }) => positions(verdict[what]),
    );

  if (truth.length === 0) wrong.push('nothing was published');
  if (nodes.length === 0) wrong.push('there was no client');
  accuse(
    'received nothing of the truth',
    nodes.filter(({ verdict }) => verdict.lost.length === truth.length),
    ({ verdict }) => `${verdict.foreign} other messages`,
  );
  if (demands.lost === 'nothing') places('lost', 'lost');
  else {
    const differs = ({ node, verdict }: JudgedNode): boolean => {
      const counted = countedAt.get(node.seams[0]?.url ?? '');
      return node.seams.length === 1 && counted !== undefined && counted !== verdict.lost.length;
    };
    accuse(
      'lost other than its edge counted',
      nodes.filter(differs),
      ({ node, verdict }) =>
        `${verdict.lost.length} (${positions(verdict.lost)}), counted ${countedAt.get(node.seams[0]?.url ?? '')}`,
    );
    // Who came again may have been told of a part, or of all; nobody may lose what neither was said nor counted.
    const countedFor = ({ node }: JudgedNode): number =>
      [...new Set(node.seams.map(({ url }) => url))].reduce((total, url) => total + (countedAt.get(url) ?? 0), 0);
    accuse(
      'lost what it was not told of and no edge of its own counted',
      nodes.filter((judged) => {
        const { node, verdict } = judged;
        return node.seams.length > 1 && verdict.lost.length - verdict.told > countedFor(judged);
      }),
      (judged) =>
        `${judged.verdict.lost.length} (${positions(judged.verdict.lost)}), told ${judged.verdict.told}, counted ${countedFor(judged)}`,
    );
  }
  places('repeated', 'received again', ordered);
  places('outOfOrder', 'received out of order', ordered);
  accuse(
    'received what nobody should',
    all.filter(({ verdict }) => verdict.foreign > 0),
    ({ verdict }) => `${verdict.foreign} messages`,
  );
  if (demands.silenceMs !== undefined && silenceMs > demands.silenceMs)
    wrong.push(`the longest silence is ${Math.round(silenceMs)} ms, more than ${demands.silenceMs}`);
  for (const [at, { what }] of marks.entries()) {
    const tookMs = recovered[at] ?? 0;
    if (demands.recoveredMs !== undefined && tookMs > demands.recoveredMs)
      wrong.push(`recovery took ${Math.round(tookMs)} ms from "${what}" on, more than ${demands.recoveredMs}`);
  }
  if (demands.recoveredMs !== undefined && marks.length === 0) wrong.push('no mark says when the fault was over');
  if (demands.nobodyClosed === true && totals.reconnects > 0) wrong.push(`${totals.reconnects} connections ended`);
  return {
    row,
    ...totals,
    silenceMs,
    recoveredMs: marks.length === 0 ? undefined : most(recovered),
    bystanders: {
      clients: others.length,
      lost: sum(others, ({ verdict }) => verdict.lost.length),
      wipedBlocks: sum(others, ({ node }) => node.wipedBlocks),
    },
    wrong,
  };
}
