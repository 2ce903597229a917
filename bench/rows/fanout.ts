/** Many clients, one message each 200 ms: what a delivery costs, and how late the last client has it. */
import { WARM_UP_MESSAGES, against, cpuPerDelivery, pongP99, type Line, type Row } from '../row.ts';
import { PROXY } from '../contestants.ts';

/** As base nodes do. */
const PING_MS = 500;
const MESSAGES = 60;

const cpu = (atMost: number): Line => ({
  what: 'CPU per delivery',
  unit: 'us',
  value: cpuPerDelivery,
  judged: 'ratio',
  goal: { atMost },
});
const LATENCIES: readonly Line[] = [
  {
    what: "last client's latency, p50",
    unit: 'ms',
    value: (report) => report.last_latency_ms?.p50,
    judged: 'ratio',
    goal: { atMost: 1 },
  },
  {
    what: 'latency of all deliveries, p99',
    unit: 'ms',
    value: (report) => report.latency_ms?.p99,
    judged: 'ratio',
    goal: { atMost: 1 },
  },
];
const pong = (atMost: number | undefined): Line => ({
  what: 'pong, p99',
  unit: 'ms',
  value: pongP99,
  judged: 'value',
  ...(atMost !== undefined && { goal: { atMost } }),
});

function fanout(clients: number, pings: boolean): Row {
  return {
    name: `fanout-${clients}${pings ? '-pings' : ''}`,
    title: `${clients.toLocaleString('en-US')} clients${pings ? ', a ping from each every 500 ms' : ''}`,
    contestants: against(PROXY),
    plan: { clients, messages: MESSAGES, warmUpMessages: WARM_UP_MESSAGES, ...(pings && { pingMs: PING_MS }) },
    lines: pings
      ? [cpu(0.8), ...LATENCIES, pong(clients >= 5000 ? 15 : undefined)]
      : [cpu(0.9), ...LATENCIES.slice(0, 1)],
    smoke: pings && clients < 5000,
  };
}

export const FANOUT_ROWS: readonly Row[] = [
  fanout(1000, false),
  fanout(1000, true),
  fanout(5000, false),
  fanout(5000, true),
];
