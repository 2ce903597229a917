/**
 * Ingests around one store, in simulated time: each ingest decides at once, its publishes travel to the store and are taken
 * there by compare-and-append, answers travel back. Ingests can be paused and killed, the store can be away or lose all.
 */
import type { UpstreamMessage } from '../../../ingest/message.ts';
import type { Decision, Sequencer } from '../../../ingest/sequencer/contract.ts';
import { createSequencer } from '../../../ingest/sequencer/sequencer.ts';
import { MAX_RECENT_CONTENTS, type StoredState } from '../../../shared/backplane/backplane.ts';
import type { Delivery, Random } from './chain-model.ts';
import { DEFAULTS } from './support.ts';

export type Publish = Extract<Decision, { action: 'publish' }>;
type Span = readonly [from: number, to: number];

const within = (span: Span | undefined, at: number): span is Span =>
  span !== undefined && at >= span[0] && at < span[1];

/** Runs what was asked for in order of time; what was asked for first comes first at the same time. */
export class Simulation {
  now = 0;
  #count = 0;
  readonly #events: { at: number; order: number; run: () => void }[] = [];

  at(time: number, run: () => void): void {
    const event = { at: Math.max(time, this.now), order: (this.#count += 1), run };
    let place = this.#events.length;
    while (place > 0 && (this.#events[place - 1]?.at ?? 0) > event.at) place -= 1;
    this.#events.splice(place, 0, event);
  }

  run(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      this.now = event.at;
      event.run();
    }
  }
}

interface Entry {
  readonly decision: Publish;
  readonly expected: string | undefined;
  readonly token: string;
}

type Answer = 'published' | { readonly state: StoredState | undefined };

export class StoreModel {
  /** Everything that went in, in order. */
  readonly log: (Publish & { readonly at: number; readonly ingest: string })[] = [];
  readonly #accepted = new Set<string>();
  #stored:
    | { token: string; sequence: number; decided: StoredState['decided']; at: number; flashblockAt: number | undefined }
    | undefined;
  #recent: { contentHash: string; at: number; flashblock: boolean }[] = [];
  #publishers = new Map<string, number>();

  publish(ingest: string, { decision, expected, token }: Entry, at: number): Answer {
    if (this.#accepted.has(token)) return 'published';
    if (this.#stored?.token !== expected) return { state: this.state(at) };
    this.#accepted.add(token);
    const { message, decided } = decision;
    const sequence = (this.#stored?.sequence ?? 0) + 1;
    const flashblockAt = message.head ? at : this.#stored?.flashblockAt;
    this.#stored = { token, sequence, decided, at, flashblockAt };
    this.#recent.push({ contentHash: message.contentHash, at, flashblock: message.head !== undefined });
    this.#recent = this.#recent.slice(-MAX_RECENT_CONTENTS);
    this.#publishers.set(ingest, sequence);
    this.log.push({ ...decision, at, ingest });
    return 'published';
  }

  state(now: number): StoredState | undefined {
    if (this.#stored === undefined) return undefined;
    const { token, sequence, decided, at, flashblockAt } = this.#stored;
    return {
      epoch: '',
      sequence,
      token,
      decided,
      recent: this.#recent.map(({ contentHash, at: accepted, flashblock }) => ({
        contentHash,
        ageMs: now - accepted,
        flashblock,
      })),
      acceptedAgeMs: now - at,
      ...(flashblockAt !== undefined && { flashblockAgeMs: now - flashblockAt }),
      publishers: [...this.#publishers].map(([ingestId, lastSequence]) => ({
        ingestId,
        start: 's1',
        lastSequence,
        ageMs: 0,
      })),
    };
  }

  loseAll(): void {
    this.#stored = undefined;
    this.#recent = [];
    this.#publishers.clear();
  }
}

export interface IngestFaults {
  readonly pause?: Span;
  readonly killedAt?: number;
  readonly storeAway?: Span;
  /** Longest way of a request or an answer, in milliseconds. */
  readonly latencyMs: number;
}

export class IngestModel {
  readonly #name: string;
  readonly #simulation: Simulation;
  readonly #store: StoreModel;
  readonly #faults: IngestFaults;
  readonly #random: Random;
  readonly #sequencer: Sequencer;
  #entries: Entry[] = [];
  #tip: string | undefined;
  #tokens = 0;
  #generation = 0;
  #timer = 0;
  #requestsFrom = 0;
  #answersFrom = 0;

  constructor(name: string, simulation: Simulation, store: StoreModel, faults: IngestFaults, random: Random) {
    this.#name = name;
    this.#simulation = simulation;
    this.#store = store;
    this.#faults = faults;
    this.#random = random;
    this.#sequencer = createSequencer({
      ...DEFAULTS,
      ingestId: name,
      holds: () => true,
      waitsToPublish: (block) =>
        this.#entries.some(({ decision }) => decision.message.head?.position.blockNumber === block),
      onGapEnd: () => undefined,
    });
    this.#adopt(store.state(0), []);
    const { pause, storeAway } = faults;
    if (pause) simulation.at(pause[1] + 1, () => this.#do(() => this.#sequencer.resumeAfterStall(simulation.now)));
    if (storeAway) {
      simulation.at(storeAway[0], () => (this.#generation += 1));
      simulation.at(storeAway[1], () => this.#do(() => this.#returned()));
    }
  }

  /** Messages that wait for their answer. */
  get waiting(): number {
    return this.#entries.length;
  }

  deliver({ at, message }: Delivery): void {
    this.#simulation.at(at, () =>
      this.#do(() => {
        const { now } = this.#simulation;
        const end = this.#faults.pause?.[1] ?? Infinity;
        const read: UpstreamMessage = { ...message, readAt: now, afterStall: now >= end && now <= end + 1000 };
        this.#push(this.#sequencer.receive(read, now));
      }),
    );
  }

  /** Does it now, after the pause, or never when killed. */
  #do(action: () => void): void {
    const { pause, killedAt = Infinity } = this.#faults;
    const { now } = this.#simulation;
    if (now >= killedAt) return;
    if (within(pause, now)) this.#simulation.at(pause[1], () => this.#do(action));
    else action();
  }

  #adopt(state: StoredState | undefined, undone: UpstreamMessage[]): void {
    const decisions = this.#sequencer.adopt(state, state ? 'nothing' : 'everything', undone, this.#simulation.now);
    this.#tip = state?.token;
    this.#push(decisions);
  }

  #push(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.action !== 'publish') continue;
      const entry = { decision, expected: this.#tip, token: `${this.#name}${(this.#tokens += 1)}` };
      this.#tip = entry.token;
      this.#entries.push(entry);
      this.#send(entry);
    }
    this.#schedule();
  }

  #schedule(): void {
    const timer = (this.#timer += 1);
    const due = this.#sequencer.deadline();
    if (due === undefined) return;
    this.#simulation.at(due, () =>
      this.#do(() => timer === this.#timer && this.#push(this.#sequencer.tick(this.#simulation.now))),
    );
  }

  #returned(): void {
    this.#sequencer.backplaneReturned(this.#simulation.now);
    for (const entry of this.#entries) this.#send(entry);
    this.#schedule();
  }

  #send(entry: Entry): void {
    const generation = this.#generation;
    const latency = () => this.#random.fraction() * this.#faults.latencyMs;
    this.#requestsFrom = Math.max(this.#requestsFrom, this.#simulation.now + latency());
    this.#simulation.at(this.#requestsFrom, () => {
      const { now } = this.#simulation;
      if (within(this.#faults.storeAway, now)) return;
      const answer = this.#store.publish(this.#name, entry, now);
      this.#answersFrom = Math.max(this.#answersFrom, now + latency());
      this.#simulation.at(this.#answersFrom, () =>
        this.#do(() => generation === this.#generation && this.#answered(answer)),
      );
    });
  }

  #answered(answer: Answer): void {
    if (answer === 'published') {
      this.#entries.shift();
      return;
    }
    const undone = this.#entries.map(({ decision }) => decision.message);
    this.#entries = [];
    this.#generation += 1;
    this.#adopt(answer.state, undone);
  }
}
