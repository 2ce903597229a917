/**
 * Hostile clients and a hostile upstream against one edge that serves base nodes. Nodes come through a trusted proxy with
 * an address each, attackers from addresses of their own and another process; the limits are the edge's defaults.
 *
 * First some hundred honest clients come and go, by which the memory of a process grows to what it keeps in use. Then the attack
 * is made five times, and memory has to come back to what it was.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../tools/simulate/random.ts';
import { contentHashOf } from '../../../shared/envelope.ts';
import { Attacker } from '../../support/hostile/attacker.ts';
import type { AttackName, AttackOptions, Tally } from '../../support/hostile/attacks.ts';
import { collectGarbage, INSPECTABLE, INSPECTOR_LINES } from '../../support/hostile/garbage.ts';
import { brotliBomb, HOSTILE_JSON } from '../../support/hostile/upstream.ts';
import type { Row } from '../row.ts';
import type { World, WorldOptions } from '../world.ts';

const NODES = 200;
const ROUNDS = 5;
/** Clients that come and go before the attack, as many as connect in the largest of them, twice. */
const VISITORS = { count: 500, addresses: 60, firstAddress: 450, holdMs: 1500 };
const VISITS = 2;
/** The stream before the first attack, to compare pongs with. */
const QUIET_MS = 3000;
/** Pongs of honest clients under attack: 99 of 100. */
const PONG_P99_MS = 100;
/** What memory may be above that before the attack. */
const MEMORY_GROWTH = 1.2;
/** What a collection frees goes back to the system a moment later, and some of it with the next one. */
const MEMORY_LOOKS = 4;
/** An edge has so long to let go of what an attack held: above its HANDSHAKE_TIMEOUT_MS and closing handshakes. */
const SETTLE_MS = 6000;
const POLL_MS = 100;
/** What became of the attackers' connections, most of them. */
const MAX_NOTED_OUTCOMES = 4;
/** Lines that a program may write at `info` and above in a row, whatever is sent to it. */
const MAX_LOG_LINES = 40;
const MEGABYTE = 1_048_576;

const DEFAULT_LIMITS = {
  PER_IP_CONNECTION_LIMIT: '10',
  CONNECT_RATE_PER_IP: '10',
  // The nodes' proxy alone; 127.1.0.0/16 is where attackers come from.
  TRUSTED_PROXIES: '127.0.0.1',
  INSTANCE_CONNECTION_LIMIT: '10000',
};

function hostileWorld(options: Partial<WorldOptions> = {}): WorldOptions {
  return {
    ingests: 1,
    edges: 1,
    builders: 1,
    nodes: NODES,
    bystanders: 0,
    everyMs: 200,
    nodeHeaders: (number) => ({ 'X-Forwarded-For': `203.0.113.${number + 1}` }),
    ...options,
    edgeSettings: { ...DEFAULT_LIMITS, ...INSPECTABLE, ...options.edgeSettings },
  };
}

type Attack = readonly [name: AttackName, options: Omit<AttackOptions, 'port' | 'seed'>];

interface Findings {
  readonly quietFrom: number;
  quietUntil: number;
  attackedUntil: number;
  /** How many processes wanted each core before the attack, at least 1: what takes a time alone takes so many times as long. */
  readonly load: number;
  /** Bytes: before the first attack, and after each. */
  readonly memory: number[];
  readonly tally: Record<string, number>;
  readonly wrong: string[];
}

const findings = new WeakMap<World, Findings>();

function add(sum: Record<string, number>, name: string, tally: Tally): void {
  for (const [outcome, count] of Object.entries(tally)) {
    const key = `${name}: ${outcome}`;
    sum[key] = (sum[key] ?? 0) + count;
  }
}

/** Waits until the edge holds nothing but its nodes. @returns what it holds beside them when it did not come to that */
async function settle({ edges }: World): Promise<string | undefined> {
  const edge = edges[0]!;
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    await delay(POLL_MS);
    const active = await edge.metric('websocket_proxy_active_connections');
    const { pendingConnections } = JSON.parse(await edge.page('/status.json')) as { pendingConnections: number };
    if (active === NODES && pendingConnections === 0) return undefined;
    if (performance.now() > deadline)
      return `the edge has ${active} clients and ${pendingConnections} pending connections, not ${NODES} and 0`;
  }
}

/** The edge's memory when it holds nothing but its nodes. */
async function settledMemory(world: World, { wrong }: Findings): Promise<number> {
  const edge = world.edges[0]!;
  const unsettled = await settle(world);
  if (unsettled !== undefined) wrong.push(unsettled);
  let lowest = Infinity;
  for (let look = 0; look < MEMORY_LOOKS; look++) {
    await collectGarbage(edge.program);
    lowest = Math.min(lowest, await edge.metric('process_resident_memory_bytes'));
    await delay(POLL_MS);
  }
  return lowest;
}

/** Has the edge serve clients that come and go, before anything is measured. */
async function warmUp(world: World): Promise<void> {
  const visitors = world.use(new Attacker());
  for (let visit = 0; visit < VISITS; visit++)
    await visitors.attack('visitors', { ...VISITORS, port: world.edges[0]!.port });
  await settle(world);
}

/** Attacks of a row at once, again and again. */
async function attackRounds(world: World, attack: () => Promise<void>): Promise<void> {
  const found: Findings = {
    quietFrom: performance.now(),
    load: Math.max(1, (loadavg()[0] ?? 0) / availableParallelism()),
    quietUntil: 0,
    attackedUntil: 0,
    memory: [],
    tally: {},
    wrong: [],
  };
  findings.set(world, found);
  await world.feed.forMs(QUIET_MS);
  found.quietUntil = performance.now();
  found.memory.push(await settledMemory(world, found));
  for (let round = 0; round < ROUNDS; round++) {
    await attack();
    found.attackedUntil = performance.now();
    found.memory.push(await settledMemory(world, found));
  }
}

async function byClients(world: World, random: Random, attacks: readonly Attack[]): Promise<void> {
  const attackers = attacks.map(() => world.use(new Attacker()));
  const { port } = world.edges[0]!;
  await attackRounds(world, async () => {
    const tallies = await Promise.all(
      attacks.map(([name, options], at) => attackers[at]!.attack(name, { ...options, port, seed: random.word() })),
    );
    for (const [at, [name]] of attacks.entries()) add(findings.get(world)!.tally, name, tallies[at]!);
  });
}

/** The time in which 99 of 100 pongs came, of those between two moments. */
function pongP99({ fleet }: World, from: number, until: number): number {
  const times = fleet.nodes
    .flatMap(({ pongMs, pongAt }) => pongMs.filter((_, at) => pongAt[at]! > from && pongAt[at]! <= until))
    .sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] ?? NaN;
}

function pongs(world: World): { readonly quiet: number; readonly attacked: number } {
  const { quietFrom, quietUntil, attackedUntil } = findings.get(world)!;
  return { quiet: pongP99(world, quietFrom, quietUntil), attacked: pongP99(world, quietUntil, attackedUntil) };
}

function checkUnharmed(world: World): string[] {
  const { memory, wrong, load } = findings.get(world)!;
  const found = [...wrong];
  const { quiet, attacked } = pongs(world);
  if (!(attacked <= PONG_P99_MS * load))
    found.push(`99 of 100 pongs took up to ${Math.round(attacked)} ms, ${Math.round(quiet)} before the attack`);
  const late = world.fleet.nodes.reduce((sum, { pongTimeouts }) => sum + pongTimeouts, 0);
  if (late > 0) found.push(`${late} pongs did not come in time`);
  const before = memory[0] ?? NaN;
  const after = memory.at(-1) ?? NaN;
  if (!(after <= MEMORY_GROWTH * before))
    found.push(`the edge's memory grew from ${inMegabytes(before)} to ${inMegabytes(after)}`);
  for (const { program } of [...world.edges, ...world.ingests]) {
    if (program.ended) found.push('a program ended');
    const lines = program.log.filter(({ level }) => level !== 'debug' && level !== 'trace');
    const errors = lines.filter(({ level }) => level === 'error' || level === 'fatal');
    if (errors.length > 0) found.push(`${errors.length} errors were logged, the first "${String(errors[0]?.['msg'])}"`);
    if (lines.length > MAX_LOG_LINES) found.push(`${lines.length} lines were logged`);
    const written = program.stderr.replace(INSPECTOR_LINES, '');
    if (written !== '') found.push(`written to stderr: ${written.slice(0, 200)}`);
  }
  return found;
}

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}

function noteUnharmed(world: World): string {
  const { memory, tally, load } = findings.get(world)!;
  const { quiet, attacked } = pongs(world);
  const counts = Object.entries(tally)
    .sort(([, one], [, other]) => other - one)
    .slice(0, MAX_NOTED_OUTCOMES)
    .map(([outcome, count]) => `${outcome} ${count}`);
  return [
    `pong p99 ${Math.round(attacked)} ms (${Math.round(quiet)} before, load ${load.toFixed(1)} a core)`,
    `memory ${memory.map(inMegabytes).join(', ')}`,
    ...(counts.length > 0 ? [counts.join(', ')] : []),
  ].join('; ');
}

function hostileRow(name: string, fault: string, attacks: readonly Attack[], options: Partial<WorldOptions> = {}): Row {
  return {
    name,
    fault,
    demands: { lost: 'nothing', nobodyClosed: true },
    long: true,
    world: hostileWorld(options),
    async run(world, random) {
      await warmUp(world);
      await byClients(world, random, attacks);
    },
    check: checkUnharmed,
    note: noteUnharmed,
  };
}

/** Calls of scripts that Redis has had, which is what an admission that asks it costs. */
async function scriptCalls(world: World): Promise<number> {
  const stats = String(await world.command('INFO', 'commandstats'));
  return [...stats.matchAll(/cmdstat_(?:evalsha|eval|fcall):calls=(\d+)/g)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}

/** Scripts that are called whatever clients do, beside a publish for each message: some at the edges of the count, */
const OTHER_CALLS = 20;
/** and renewals of the nodes' leases, three in LEASE_TTL_MS by its default, by hundreds. */
const RENEWAL_MS = 10_000;
const CALLS_PER_RENEWAL = NODES / 100;

export const hostileRows: readonly Row[] = [
  hostileRow(
    'hostile-pending',
    '2,000 connections that say nothing or a byte a second, beside request heads of 64 KB, five times',
    [
      ['silent', { count: 1000, holdMs: 1500 }],
      ['slow-headers', { count: 1000, holdMs: 1500 }],
      ['large-headers', { count: 500 }],
    ],
    { edgeSettings: { HANDSHAKE_TIMEOUT_MS: '2000' } },
  ),
  hostileRow(
    'hostile-clients',
    '500 clients that never read, beside messages of 1 MB, floods of pings and endless fragments, five times',
    [
      ['no-readers', { count: 500, firstAddress: 100, addresses: 60, holdMs: 1500 }],
      ['large-messages', { count: 60, addresses: 25 }],
      ['pings', { count: 60, addresses: 25, firstAddress: 25 }],
      ['fragments', { count: 60, addresses: 25, firstAddress: 50 }],
    ],
  ),
  hostileRow('hostile-fuzz', '100,000 mutated frames and upgrade requests', [
    ['frames', { count: 18_000, addresses: 400 }],
    ['requests', { count: 2000, addresses: 400 }],
  ]),
  {
    name: 'hostile-keys',
    fault: 'a storm of 10,000 wrong keys from 50 addresses',
    demands: { lost: 'nothing', nobodyClosed: true },
    world: hostileWorld({ edgeSettings: { API_KEYS: 'honest:honest-key', PUBLIC_ACCESS_ENABLED: 'true' } }),
    async run(world, random) {
      await warmUp(world);
      const startedAt = performance.now();
      const before = (await scriptCalls(world)) - world.feed.truth.length;
      await byClients(world, random, [['wrong-keys', { count: 2000 }]]);
      const calls = (await scriptCalls(world)) - world.feed.truth.length - before;
      const renewals = Math.ceil((performance.now() - startedAt) / RENEWAL_MS);
      if (calls > OTHER_CALLS + renewals * CALLS_PER_RENEWAL)
        findings.get(world)!.wrong.push(`Redis was asked ${calls} times`);
    },
    check: checkUnharmed,
    note: noteUnharmed,
  },
  {
    name: 'hostile-upstream',
    fault: 'one of two upstreams sends bombs of brotli and malformed, deep and crowded JSON of 4 MB, five times',
    demands: { lost: 'nothing', nobodyClosed: true, silenceMs: 3000 },
    world: hostileWorld({ builders: 2 }),
    async run(world) {
      await warmUp(world);
      const [hostile] = world.feed.builders;
      const bomb = await brotliBomb(64 * MEGABYTE);
      const messages = Object.values(HOSTILE_JSON).map((make) => make());
      await attackRounds(world, async () => {
        for (const message of messages) {
          hostile!.send(message);
          hostile!.builder.sendBinary(bomb);
          await world.feed.more(1);
        }
      });
      await world.feed.forMs(1000);
      overlook(world, new Set(messages.map(contentHashOf)));
    },
    check: checkUnharmed,
    note: noteUnharmed,
  },
];

/** Takes contents out of what nodes received: what is no flashblock passes through, and is not in the truth. */
function overlook({ fleet }: World, contents: ReadonlySet<string>): void {
  for (const { received, receivedAt } of fleet.nodes) {
    for (let at = received.length - 1; at >= 0; at--) {
      if (!contents.has(fleet.table.messages[received[at]!]!.contentHash)) continue;
      received.splice(at, 1);
      receivedAt.splice(at, 1);
    }
  }
}
