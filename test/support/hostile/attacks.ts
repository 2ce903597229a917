/**
 * Attacks on LISTEN_ADDR. Each is so many connections, from as many addresses of 127.0.0.0/8 as are given, and ends by itself;
 * what became of the connections is counted by outcome (see {@link HostilePeer}).
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../tools/simulate/random.ts';
import { upgradeRequest } from '../../edge/raw-peer.ts';
import { OPCODE } from '../raw-frames.ts';
import { clientFrame } from './frames.ts';
import { mutatedFrame, mutatedRequest } from './mutations.ts';
import { HostilePeer, type HostileTarget } from './peer.ts';

export interface AttackOptions {
  readonly port: number;
  /** Connections; for `frames` and `requests` how many of these are sent. */
  readonly count: number;
  /** How many addresses they come from; default 50. `0`: the system's choice. */
  readonly addresses?: number;
  /** Which address is the first, so that attacks may have each their own; default 0. */
  readonly firstAddress?: number;
  /** For attacks that wait: how long, in milliseconds. */
  readonly holdMs?: number;
  /** For attacks that wait: until the other side has ended every connection. */
  readonly untilOver?: boolean;
  readonly seed?: number;
  /** Path of the upgrade; default `/ws`. */
  readonly path?: string;
}

export type Tally = Readonly<Record<string, number>>;

/** Connections of an attack that are not over, where it does not hold them all: below what one address may have pending. */
const AT_ONCE = 40;
/** A mutated request or frame that the server waits to go on is left after this. */
const PATIENCE_MS = 300;
/** Slow peers send a byte a second (slowloris). */
const DRIP_MS = 1000;
const MEGABYTE = 1_048_576;
/** Frames in one write. */
const FRAMES_AT_ONCE = 500;
/** A mutated connection that the server keeps is left after so many frames. */
const FRAMES_PER_CONNECTION = 40;

/** Counts up what became of each. */
function tallied(outcomes: readonly string[]): Tally {
  const tally: Record<string, number> = {};
  for (const outcome of outcomes.toSorted()) tally[outcome] = (tally[outcome] ?? 0) + 1;
  return tally;
}

class Ground {
  readonly options: AttackOptions;
  readonly random: Random;
  #next = 0;

  constructor(options: AttackOptions) {
    this.options = options;
    this.random = new Random(options.seed ?? 1);
  }

  /** The next address in turn: 127.1.0.1 and so on. */
  target(): HostileTarget {
    const { port, addresses = 50, firstAddress = 0 } = this.options;
    if (addresses === 0) return { port };
    const number = firstAddress + (this.#next++ % addresses);
    return { port, from: `127.1.${Math.floor(number / 250)}.${(number % 250) + 1}` };
  }

  peer(bytes?: Buffer | string): HostilePeer {
    return new HostilePeer(this.target(), bytes);
  }

  async upgraded(): Promise<HostilePeer> {
    const peer = this.peer(upgradeRequest(this.options.path));
    await peer.answered;
    return peer;
  }

  /** Has one run after the other until `count` units are done, some at once. */
  async each(run: () => Promise<{ readonly outcome: string; readonly units: number }>): Promise<Tally> {
    const outcomes: string[] = [];
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun < this.options.count) {
        begun++;
        const { outcome, units } = await run();
        begun += units - 1;
        outcomes.push(outcome);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, this.options.count) }, worker));
    return tallied(outcomes);
  }

  /** Has so many at once, holds them, and leaves with those that are left. */
  async hold(begin: () => Promise<HostilePeer>, drip?: (peer: HostilePeer) => void): Promise<Tally> {
    const peers: HostilePeer[] = [];
    while (peers.length < this.options.count)
      peers.push(
        ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, this.options.count - peers.length) }, begin))),
      );
    const dripping = drip && setInterval(() => peers.filter(({ writable }) => writable).forEach(drip), DRIP_MS);
    if (this.options.untilOver === true) await Promise.all(peers.map(({ outcome }) => outcome));
    else await delay(this.options.holdMs ?? PATIENCE_MS);
    clearInterval(dripping);
    for (const peer of peers) peer.leave();
    return tallied(await Promise.all(peers.map(({ outcome }) => outcome)));
  }
}

/** The outcome of a peer that may wait for more than ever comes. */
async function outcomeSoon(peer: HostilePeer): Promise<string> {
  const timer = setTimeout(() => peer.leave(), PATIENCE_MS);
  const outcome = await peer.outcome;
  clearTimeout(timer);
  return outcome;
}

/** Upgrades and lets the connection be used until it ends. */
async function asClient(ground: Ground, use: (peer: HostilePeer) => Promise<void> | void): Promise<string> {
  const peer = await ground.upgraded();
  if (peer.upgraded) await use(peer);
  return peer.outcome;
}

/** Writes the same again and again until the connection ends, with a turn of the loop between, in which answers are read. */
async function flood(peer: HostilePeer, frame: Buffer): Promise<void> {
  const frames = Buffer.concat(Array.from({ length: FRAMES_AT_ONCE }, () => frame));
  while (peer.writable) {
    await new Promise((resolve) => peer.socket.write(frames, resolve));
    await turn();
  }
}

/** Every attack by its name. */
export const ATTACKS = {
  /** No attack, to compare with: clients that come, read and go. */
  visitors: (ground) => ground.hold(() => ground.upgraded()),
  /** Connections that say nothing. */
  silent: (ground) => ground.hold(() => Promise.resolve(ground.peer())),
  /** Request heads of a byte a second. */
  'slow-headers': (ground) =>
    ground.hold(
      () => Promise.resolve(ground.peer('GET /ws HTTP/1.1\r\nHost: edge\r\nX-')),
      (peer) => peer.socket.write('a'),
    ),
  /** Request heads of 64 KiB, unended. */
  'large-headers': (ground) =>
    ground.each(async () => {
      const line = `X-A: ${'a'.repeat(65_536)}`;
      const { outcome } = ground.peer(upgradeRequest('/ws', [line]).slice(0, -2));
      return { outcome: await outcome, units: 1 };
    }),
  /** Messages of 1 MiB. */
  'large-messages': (ground) =>
    ground.each(async () => {
      const frame = clientFrame({ opcode: OPCODE.text, payload: Buffer.alloc(MEGABYTE) });
      return { outcome: await asClient(ground, (peer) => void peer.socket.write(frame)), units: 1 };
    }),
  /** Pings as fast as they go. */
  pings: (ground) =>
    ground.each(async () => {
      const ping = clientFrame({ opcode: OPCODE.ping });
      return { outcome: await asClient(ground, (peer) => flood(peer, ping)), units: 1 };
    }),
  /** Messages whose fragments never end. */
  fragments: (ground) =>
    ground.each(async () => {
      const first = clientFrame({ fin: false, opcode: OPCODE.text, payload: Buffer.from('a') });
      const next = clientFrame({ fin: false, opcode: 0, payload: Buffer.from('a') });
      const outcome = await asClient(ground, (peer) => {
        peer.socket.write(first);
        return flood(peer, next);
      });
      return { outcome, units: 1 };
    }),
  /** Clients that never read. */
  'no-readers': (ground) =>
    ground.hold(async () => {
      const peer = await ground.upgraded();
      peer.socket.pause();
      return peer;
    }),
  /** Upgrades with wrong keys, in the path and in headers. */
  'wrong-keys': (ground) =>
    ground.each(async () => {
      const key = `wrong-${ground.random.word()}`;
      const request = ground.random.chance(0.5)
        ? upgradeRequest(`/ws/${key}`)
        : upgradeRequest('/ws', [`X-API-Key: ${key}`]);
      return { outcome: await ground.peer(request).outcome, units: 1 };
    }),
  /** Mutated upgrade requests. */
  requests: (ground) =>
    ground.each(async () => ({ outcome: await outcomeSoon(ground.peer(mutatedRequest(ground.random))), units: 1 })),
  /** Mutated frames, some on each connection. */
  frames: (ground) =>
    ground.each(async () => {
      let units = 0;
      const peer = await ground.upgraded();
      while (peer.upgraded && peer.writable && units < FRAMES_PER_CONNECTION) {
        const frames = Array.from({ length: 10 }, () => mutatedFrame(ground.random));
        units += frames.length;
        await new Promise((resolve) => peer.socket.write(Buffer.concat(frames), resolve));
      }
      return { outcome: await outcomeSoon(peer), units: Math.max(units, 1) };
    }),
} as const satisfies Record<string, (ground: Ground) => Promise<Tally>>;

export type AttackName = keyof typeof ATTACKS;

/** Runs an attack in this process. */
export function attack(name: AttackName, options: AttackOptions): Promise<Tally> {
  return ATTACKS[name](new Ground(options));
}
