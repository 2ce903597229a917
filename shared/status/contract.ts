/**
 * What the status page is told: the JSON of its server-sent events. Shared by the process that tells and the page that shows,
 * so it names nothing that only one of them has.
 *
 *     snapshot      {@link Snapshot}: everything that is remembered; the first event of every connection
 *     flashblocks   {@link FlashblocksEvent}: what came since, and how the upstreams raced; at most ten a second
 *     second        {@link SecondEvent}: the figures of one second
 *
 * Times are Unix milliseconds by the process' clock, sizes are bytes.
 */

/** The programs that have a page. */
export type PageProgram = 'proxy' | 'ingest' | 'edge';

/** One flashblock of the stream. */
export interface FlashblockRecord {
  readonly block: number;
  readonly index: number;
  readonly payloadId: string;
  /** When an ingest received it, by that host's clock. */
  readonly at: number;
  /** Plain JSON. */
  readonly bytes: number;
  /** As it is stored and sent compressed; `null` where this process does not know it. */
  readonly packed: number | null;
  /** First of a new run of positions. */
  readonly restart: boolean;
  /** Messages known to be missing before it. */
  readonly lostBefore: number;
}

/** One payload of a block, in order of arrival. */
export interface BlockRecord {
  readonly block: number;
  readonly payloadId: string;
  readonly flashblocks: readonly FlashblockRecord[];
  /** Flashblocks of it that came and are not kept. */
  readonly leftOut: number;
}

/** How the upstreams came in with one flashblock. */
export interface Race {
  /** Rises by one from race to race. */
  readonly id: number;
  readonly block: number;
  readonly index: number;
  /** Place of the first upstream in {@link Snapshot.upstreams}. */
  readonly first: number;
  /** The others: place in the list and milliseconds behind the first. */
  readonly behind: readonly (readonly [upstream: number, ms: number])[];
}

/** `bad`: somebody may have to do something; `note`: worth knowing; `good`: a trouble is over. */
export type IncidentLevel = 'bad' | 'note' | 'good';
export type IncidentLane = 'stream' | 'upstreams' | 'redis' | 'clients' | 'health';

/** Something that happened, or went on happening from `at` to `until`. */
export interface Incident {
  /** Rises; an incident that goes on is sent again under its own. */
  readonly id: number;
  readonly at: number;
  readonly until: number;
  readonly level: IncidentLevel;
  readonly lane: IncidentLane;
  readonly text: string;
}

/** Figures of one second of one upstream. */
export type UpstreamSecond = readonly [
  connected: number,
  messages: number,
  wins: number,
  lagSumMs: number,
  lagCount: number,
];

/** One second. */
export interface Second {
  readonly at: number;
  /** In the order of {@link Snapshot.figures}. */
  readonly figures: readonly number[];
  /** For each of {@link Snapshot.latencies}: pairs of a bucket's place and how many fell into it. */
  readonly latencies: readonly (readonly number[])[];
  /** In the order of {@link Snapshot.upstreams}. */
  readonly upstreams: readonly UpstreamSecond[];
}

export interface PageCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly informative?: true;
  readonly detail?: string;
}

/** The state as of now. */
export interface PageState {
  readonly ready: boolean;
  readonly checks: readonly PageCheck[];
  /** Milliseconds since the newest message came here; `null` while none has. */
  readonly newestAgeMs: number | null;
}

/** A latency that is measured: what is behind its buckets. */
export interface LatencySource {
  readonly name: LatencyName;
  /** Upper bounds in seconds; one bucket more holds what is above the last. */
  readonly bounds: readonly number[];
}

export type LatencyName = 'endToEnd' | 'fanout' | 'ingestToEdge' | 'publish';

/** Where a browser may connect to the stream, when the process serves it: on the page's own host name. */
export interface StreamPort {
  readonly port: number;
  readonly secure: boolean;
}

export interface Snapshot {
  /** Changes when the process does. */
  readonly boot: string;
  readonly program: PageProgram;
  /** INGEST_ID or EDGE_ID. */
  readonly id: string;
  readonly version: string;
  readonly startedAt: number;
  readonly now: number;
  /** What the page shows is of this part of a group of processes; absent where there is one. */
  readonly scope?: string;
  readonly stream: StreamPort | null;
  /** Seconds that are remembered at most. */
  readonly historySeconds: number;
  readonly figures: readonly FigureName[];
  readonly latencies: readonly LatencySource[];
  readonly upstreams: readonly string[];
  readonly seconds: readonly Second[];
  readonly blocks: readonly BlockRecord[];
  readonly races: readonly Race[];
  readonly incidents: readonly Incident[];
  readonly state: PageState;
}

export interface FlashblocksEvent {
  readonly flashblocks: readonly FlashblockRecord[];
  /** New races, and earlier ones in which another upstream has come in. */
  readonly races: readonly Race[];
  /** Flashblocks that came too fast to be told one by one. */
  readonly leftOut: number;
  /** In the place of the blocks that the page has, where some were left out: what did not come must not look missing. */
  readonly blocks?: readonly BlockRecord[];
}

export interface SecondEvent {
  readonly second: Second;
  readonly upstreams: readonly string[];
  readonly state: PageState;
  /** New ones, and those that went on. */
  readonly incidents: readonly Incident[];
  /** In the place of the snapshot's, where bounds became known in this second. */
  readonly latencies?: readonly LatencySource[];
}

/** What one second is measured by; gauges as they stand at its end, the rest counted within it. */
export type FigureName =
  | 'messages'
  | 'lost'
  | 'recovered'
  | 'epochs'
  | 'unreadable'
  | 'clients'
  | 'clientLimit'
  | 'opened'
  | 'closed'
  | 'refused'
  | 'slow'
  | 'unanswered'
  | 'sent'
  | 'sentBytes'
  | 'queueMessages'
  | 'queueBytes'
  | 'draining'
  | 'upstreams'
  | 'upstreamMessages'
  | 'upstreamBytes'
  | 'gapsRepaired'
  | 'gapsLost'
  | 'takeovers'
  | 'restarts'
  | 'oversized'
  | 'published'
  | 'buffered'
  | 'dropped'
  | 'redisUp'
  | 'limitDegraded'
  | 'keyReloadFailures'
  | 'tlsReloadFailures'
  | 'cpu'
  | 'loop'
  | 'memory';
