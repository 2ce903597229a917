/** What the page knows, built up from the events. Pure: views read it, and nothing here touches the document. */
import type {
  BlockRecord,
  FigureName,
  FlashblockRecord,
  FlashblocksEvent,
  Incident,
  LatencyName,
  PageState,
  Race,
  Second,
  SecondEvent,
  Snapshot,
} from '../contract.ts';
import { type Buckets, sumPairs } from './distribution.ts';

/** The bounds of what the process remembers; the page remembers no more. */
const MAX_BLOCKS = 20;
const MAX_FLASHBLOCKS = 64;
const MAX_RACES = 100;
const MAX_INCIDENTS = 200;

/** An upstream over some time. */
export interface UpstreamFigures {
  readonly name: string;
  readonly connected: boolean;
  readonly messages: number;
  readonly wins: number;
  /** Mean milliseconds behind the first where it was not; `undefined` where it always was, or sent nothing. */
  readonly lagMs: number | undefined;
}

export class Model {
  #snapshot: Snapshot;
  #seconds: Second[];
  #blocks: BlockRecord[];
  /** Also of those that are not kept. */
  #newest: FlashblockRecord | undefined;
  #races: Race[];
  #incidents: Incident[];
  #upstreams: readonly string[];
  #state: PageState;
  readonly #places = new Map<FigureName, number>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#seconds = [...snapshot.seconds];
    this.#blocks = [...snapshot.blocks];
    this.#newest = this.#blocks.at(-1)?.flashblocks.at(-1);
    this.#races = [...snapshot.races];
    this.#incidents = [...snapshot.incidents];
    this.#upstreams = snapshot.upstreams;
    this.#state = snapshot.state;
    for (const [place, name] of snapshot.figures.entries()) this.#places.set(name, place);
  }

  /** What does not change while the process runs, but that bounds of latencies become known. */
  get about(): Snapshot {
    return this.#snapshot;
  }

  get state(): PageState {
    return this.#state;
  }

  /** The oldest first. */
  get blocks(): readonly BlockRecord[] {
    return this.#blocks;
  }

  get races(): readonly Race[] {
    return this.#races;
  }

  /** The newest first. */
  get incidents(): readonly Incident[] {
    return this.#incidents.toReversed();
  }

  get upstreamNames(): readonly string[] {
    return this.#upstreams;
  }

  get newest(): FlashblockRecord | undefined {
    return this.#newest;
  }

  /** The end of the last second, by the process' clock. */
  get at(): number {
    return this.#seconds.at(-1)?.at ?? this.#snapshot.now;
  }

  add(event: FlashblocksEvent): void {
    if (event.blocks !== undefined) this.#blocks = [...event.blocks];
    else for (const flashblock of event.flashblocks) this.#addFlashblock(flashblock);
    this.#newest = event.flashblocks.at(-1) ?? this.#newest;
    for (const race of event.races) {
      const place = this.#races.findLastIndex(({ id }) => id === race.id);
      if (place >= 0) this.#races[place] = race;
      else this.#races.push(race);
    }
    this.#races = this.#races.slice(-MAX_RACES);
  }

  second(event: SecondEvent): void {
    this.#seconds.push(event.second);
    if (this.#seconds.length > this.#snapshot.historySeconds) this.#seconds.shift();
    this.#upstreams = event.upstreams;
    this.#state = event.state;
    if (event.latencies !== undefined) this.#snapshot = { ...this.#snapshot, latencies: event.latencies };
    for (const incident of event.incidents) {
      const place = this.#incidents.findLastIndex(({ id }) => id === incident.id);
      if (place >= 0) this.#incidents[place] = incident;
      else this.#incidents.push(incident);
    }
    this.#incidents = this.#incidents.slice(-MAX_INCIDENTS);
  }

  /** Whether the program measures it. */
  has(name: FigureName): boolean {
    return this.#places.has(name);
  }

  /** As of the last second; 0 before one. */
  figure(name: FigureName): number {
    return this.series(name, 1).at(-1) ?? 0;
  }

  /** One value a second, the oldest first. */
  series(name: FigureName, seconds = this.#snapshot.historySeconds): number[] {
    const place = this.#places.get(name);
    return place === undefined ? [] : this.#seconds.slice(-seconds).map(({ figures }) => figures[place] ?? 0);
  }

  /** Of a count: what it came to. */
  sum(name: FigureName, seconds: number): number {
    return this.series(name, seconds).reduce((sum, one) => sum + one, 0);
  }

  /** Of a count: its mean a second; smooth where a second has five or six. */
  rate(name: FigureName, seconds: number): number {
    const series = this.series(name, seconds);
    return series.length === 0 ? 0 : series.reduce((sum, one) => sum + one, 0) / series.length;
  }

  /** @returns `undefined` where the program does not measure it */
  latency(name: LatencyName, seconds: number): Buckets | undefined {
    const place = this.#snapshot.latencies.findIndex((source) => source.name === name);
    const source = this.#snapshot.latencies[place];
    if (source === undefined) return undefined;
    return sumPairs(
      source.bounds,
      this.#seconds.slice(-seconds).map(({ latencies }) => latencies[place] ?? []),
    );
  }

  /** The latency of one stretch of time after the other, the oldest first. */
  latencySeries(name: LatencyName, windowSeconds: number): Buckets[] {
    const place = this.#snapshot.latencies.findIndex((source) => source.name === name);
    const bounds = this.#snapshot.latencies[place]?.bounds ?? [];
    const windows: Buckets[] = [];
    for (let end = this.#seconds.length; end > 0; end -= windowSeconds) {
      const rows = this.#seconds.slice(Math.max(0, end - windowSeconds), end);
      windows.unshift(
        sumPairs(
          bounds,
          rows.map(({ latencies }) => latencies[place] ?? []),
        ),
      );
    }
    return windows;
  }

  upstreams(seconds: number): UpstreamFigures[] {
    const rows = this.#seconds.slice(-seconds);
    return this.#upstreams.map((name, place) => {
      const own = rows.map(({ upstreams }) => upstreams[place] ?? ([0, 0, 0, 0, 0] as const));
      const sum = (field: 1 | 2 | 3 | 4) => own.reduce((total, row) => total + row[field], 0);
      const [lagSumMs, lagCount] = [sum(3), sum(4)];
      return {
        name,
        connected: own.at(-1)?.[0] === 1,
        messages: sum(1),
        wins: sum(2),
        lagMs: lagCount === 0 ? undefined : lagSumMs / lagCount,
      };
    });
  }

  #addFlashblock(flashblock: FlashblockRecord): void {
    const { block, payloadId } = flashblock;
    const last = this.#blocks.at(-1);
    if (last?.block !== block || last.payloadId !== payloadId || flashblock.restart)
      this.#blocks.push({ block, payloadId, flashblocks: [flashblock], leftOut: 0 });
    else if (last.flashblocks.length < MAX_FLASHBLOCKS)
      this.#blocks[this.#blocks.length - 1] = { ...last, flashblocks: [...last.flashblocks, flashblock] };
    else this.#blocks[this.#blocks.length - 1] = { ...last, leftOut: last.leftOut + 1 };
    this.#blocks = this.#blocks.slice(-MAX_BLOCKS);
  }
}
