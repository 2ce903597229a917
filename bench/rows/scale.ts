/** What many connections cost, and how many there can be. */
import { against, failed, pongP99, type Row } from '../row.ts';
import { PROXY, stack } from '../contestants.ts';

/** Every check with a round trip to Redis is on, and lets the clients in. */
const LIMITS = { PER_IP_CONNECTION_LIMIT: '20000', CONNECT_RATE_PER_IP: '100000', CONNECT_BURST_PER_IP: '100000' };

/** An edge that is asked for more than it can do would close its clients as too slow; here they are to wait. */
const NOBODY_TOO_SLOW = {
  MESSAGE_BUFFER_SIZE: '65536',
  CLIENT_QUEUE_BYTES: '1073741824',
  CLIENT_SEND_TIMEOUT_MS: '60000',
};

export const SCALE_ROWS: readonly Row[] = [
  {
    name: 'workers',
    title: '1,000 clients, a message each 20 ms, which is more than an edge can do; EDGE_WORKERS=2, against 1',
    contestants: [
      stack({ name: 'two', settings: { ...NOBODY_TOO_SLOW, EDGE_WORKERS: '2' } }),
      stack({ name: 'one', settings: NOBODY_TOO_SLOW }),
    ],
    plan: { clients: 1000, messages: 250, intervalMs: 20, ramp: 1000 },
    lines: [
      {
        what: 'deliveries per second',
        unit: '',
        value: ({ deliveries_per_second: rate }) => rate,
        judged: 'ratio',
        goal: { atLeast: 1.3 },
      },
      {
        what: 'clients that were lost, messages that were lost or repeated',
        unit: '',
        value: failed,
        judged: 'value',
        goal: { atMost: 0 },
      },
    ],
  },
  {
    name: 'memory',
    title: '5,000 clients that send nothing',
    contestants: against(PROXY),
    plan: { clients: 5000, messages: 10 },
    lines: [
      {
        what: "memory per client, over the process' own",
        unit: 'KB',
        value: ({ server_memory: memory }) => memory && memory.bytes_per_client / 1024,
        judged: 'value',
        goal: { atMost: 8 },
      },
    ],
  },
  {
    name: 'connects',
    title: '5,000 connects, as fast as the client can; limits in Redis, the baseline has none',
    contestants: against(stack({ name: 'flashcast', settings: LIMITS })),
    plan: { clients: 5000, messages: 1, intervalMs: 1000 },
    lines: [
      {
        what: 'time until all are connected',
        unit: 's',
        value: ({ connect_seconds: seconds, connected, clients }) => (connected === clients ? seconds : undefined),
        judged: 'ratio',
        goal: { atMost: 1.25 },
      },
    ],
    smoke: true,
  },
  {
    name: 'clients-18000',
    title: '18,000 clients on one process, a ping from each every 500 ms',
    contestants: [PROXY],
    plan: { clients: 18_000, messages: 50, pingMs: 500, ramp: 3000, sources: 8 },
    lines: [
      {
        what: 'clients that were lost, messages that were lost or repeated',
        unit: '',
        value: failed,
        judged: 'value',
        goal: { atMost: 0 },
      },
      { what: 'pong, p99', unit: 'ms', value: pongP99, judged: 'value', goal: { atMost: 300 } },
    ],
  },
];
