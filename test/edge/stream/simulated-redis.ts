import type { HistoryRead, StreamBounds, StreamHead } from '../../../shared/backplane/backplane.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import { envelopeOf, idOf } from './envelopes.ts';

/** What the model knows of a stored message beyond its envelope. */
export interface Stored {
  readonly envelope: Envelope;
  readonly at: number;
  /** How often the stored stream had been set back when it was stored. */
  readonly branch: number;
}

interface State extends StreamHead {
  readonly previousEpoch: string;
  readonly previousSequence: number;
  readonly acceptedAt: number;
}

/**
 * Stored stream, channel and one ingest, by the rules of redis ("Publishing"), in as few lines as show what an edge can meet.
 * Contents are unique unless they are published again after they were lost.
 */
export class SimulatedRedis {
  now = 0;
  /** What was published and is on its way to the edge. */
  transit: Envelope[] = [];
  /** Every message ever stored, by its token. */
  readonly everStored = new Map<string, Stored>();
  readonly #bounds: StreamBounds;
  #history: Stored[] = [];
  #state: State | undefined;
  #branch = 0;
  #counter = 0;
  /** What the ingest remembers. */
  #highest = 0;
  #epoch = '';
  /** Published again soon after they were lost, if ever. */
  #lostContents: Buffer[] = [];
  #publishedSinceLoss = 0;

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  /** @param again publishes a content that was lost with a failover, where there is one */
  publish(again: boolean): void {
    const state = this.#state;
    const expired = state !== undefined && this.now - state.acceptedAt > this.#bounds.streamRetentionMs;
    const newEpoch = state === undefined || expired || state.sequence < this.#highest;
    const lineage = newEpoch
      ? { previousEpoch: state?.epoch ?? this.#epoch, previousSequence: Math.max(state?.sequence ?? 0, this.#highest) }
      : { previousEpoch: state.previousEpoch, previousSequence: state.previousSequence };
    this.#counter += 1;
    const epoch = newEpoch ? idOf(`epoch ${this.#counter}`) : state.epoch;
    const lastId = this.#history.at(-1)?.envelope.sequence ?? 0;
    const sequence = Math.max(state?.sequence ?? 0, lastId, this.#highest) + 1;
    this.#publishedSinceLoss += 1;
    if (this.#publishedSinceLoss > this.#bounds.streamMaxMessages) this.#lostContents = [];
    const plain = (again ? this.#lostContents.shift() : undefined) ?? Buffer.from(`{"content":${this.#counter}}`);
    const token = idOf(`publish ${this.#counter}`);
    const envelope = envelopeOf(sequence, { plain, epoch, token, predecessor: state?.token ?? '', ...lineage });
    const stored = { envelope, at: this.now, branch: this.#branch };
    this.everStored.set(token, stored);
    this.#history.push(stored);
    while (this.#history.length > this.#bounds.streamMaxMessages) this.#history.shift();
    this.#state = { epoch, sequence, token, ...lineage, acceptedAt: this.now };
    this.#highest = Math.max(this.#highest, sequence);
    this.#epoch = epoch;
    this.transit.push(envelope);
  }

  /** Another primary takes over that lacks the newest messages. */
  failover(lacks: number): void {
    const lost = this.#history.splice(Math.max(1, this.#history.length - lacks));
    const last = this.#history.at(-1);
    if (lost.length === 0 || last === undefined || this.#state === undefined) return;
    this.#branch += 1;
    const { epoch, sequence, token, previousEpoch, previousSequence } = last.envelope;
    this.#state = { epoch, sequence, token, previousEpoch, previousSequence, acceptedAt: last.at };
    this.#lose(lost);
  }

  /** @param history whether the history is gone too */
  loseState(history: boolean): void {
    this.#state = undefined;
    if (!history) return;
    this.#branch += 1;
    this.#lose(this.#history);
    this.#history = [];
  }

  /** The ingest that published is replaced by one that knows what is stored and nothing else. */
  replaceIngest(): void {
    this.#highest = this.#state?.sequence ?? 0;
    this.#epoch = this.#state?.epoch ?? '';
  }

  #lose(lost: readonly Stored[]): void {
    this.#lostContents = lost.map(({ envelope }) => envelope.payload);
    this.#publishedSinceLoss = 0;
  }

  /** Time passes. */
  pass(ms: number): void {
    this.now += ms;
    this.#lostContents = [];
  }

  /** The history's head, as the state may be lost. */
  head(): StreamHead | undefined {
    return this.#history.at(-1)?.envelope;
  }

  /** What can be replayed. */
  recent(): Stored[] {
    return this.#history.filter(({ at }) => this.now - at <= this.#bounds.streamRetentionMs);
  }

  readAfter(sequence: number): HistoryRead {
    return {
      envelopes: this.recent()
        .map(({ envelope }) => envelope)
        .filter((envelope) => envelope.sequence > sequence),
      oldestSequence: this.#history[0]?.envelope.sequence,
    };
  }
}
