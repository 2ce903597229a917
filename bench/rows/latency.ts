/** Few clients: how long a message takes through the programs. */
import { WARM_UP_MESSAGES, against, type Line, type Row } from '../row.ts';
import { PROXY, stack } from '../contestants.ts';

const MESSAGES = 75;

const latency = (judged: Line['judged'], atMost: number): Line => ({
  what: 'latency, p50',
  unit: 'ms',
  value: (report) => report.latency_ms?.p50,
  judged,
  goal: { atMost },
});

export const LATENCY_ROWS: readonly Row[] = [
  {
    name: 'first-byte-proxy',
    title: '10 clients of a proxy',
    contestants: against(PROXY),
    plan: { clients: 10, messages: MESSAGES, warmUpMessages: WARM_UP_MESSAGES },
    lines: [latency('ratio', 0.85)],
  },
  {
    name: 'first-byte-redis',
    title: '10 clients of an edge, with ingest and Redis before it',
    contestants: against(stack({ name: 'flashcast' })),
    plan: { clients: 10, messages: MESSAGES, warmUpMessages: WARM_UP_MESSAGES },
    lines: [latency('ratio', 1.1)],
    smoke: true,
  },
  {
    name: 'ingests',
    title: 'two ingests that race on Redis, against one',
    contestants: [stack({ name: 'two', ingests: 2 }), stack({ name: 'one' })],
    plan: { clients: 10, messages: MESSAGES, warmUpMessages: WARM_UP_MESSAGES },
    lines: [latency('difference', 0.1)],
  },
  {
    name: 'upstreams',
    title: 'two upstreams, against one',
    contestants: [stack({ name: 'two', counted: 'ingest' }), stack({ name: 'one', counted: 'ingest' })],
    plan: { clients: 10, messages: 2 * MESSAGES, upstreams: 2 },
    otherPlan: { upstreams: 1 },
    lines: [
      {
        what: 'CPU of the ingest per message',
        unit: 'us',
        value: ({ server_cpu: cpu, messages }) => cpu && (1e6 * cpu.seconds) / messages,
        judged: 'ratio',
        goal: { atMost: 1.4 },
      },
      {
        what: 'bytes to clients per message',
        unit: 'B',
        value: ({ bytes, messages }) => bytes / messages,
        judged: 'ratio',
        goal: { atMost: 1.05 },
      },
    ],
  },
];
