import type { UpstreamMessage } from '../../../ingest/message.ts';
import type { Decision, GapEnd, Sequencer, SequencerOptions } from '../../../ingest/sequencer/contract.ts';
import { createSequencer } from '../../../ingest/sequencer/sequencer.ts';
import type { StoredState } from '../../../shared/backplane/backplane.ts';
import { contentHashOf } from '../../../shared/envelope.ts';

export interface FrameOptions {
  /** Payload id; `a` is left out of the names that {@link nameOf} gives. */
  readonly payload?: string;
  readonly upstream?: number;
  readonly readAt?: number;
  readonly afterStall?: boolean;
  /** `prev_flashblock_id`. */
  readonly previous?: readonly [blockNumber: number, index: number];
  /** Makes the content another one. */
  readonly note?: string;
  /** Bytes of the content at least. */
  readonly bytes?: number;
}

/** A flashblock as an upstream hands it on. */
export function frame(blockNumber: number, index: number, options: FrameOptions = {}): UpstreamMessage {
  const { payload = 'a', previous, note = '', bytes = 0 } = options;
  const text = `{"payload_id":"${payload}","index":${index},"metadata":{"block_number":${blockNumber}},"note":"${note}"}`;
  return {
    ...other(text.padEnd(bytes), options),
    head: {
      position: { blockNumber, index },
      payloadId: payload,
      ...(previous && { previous: { blockNumber: previous[0], index: previous[1] } }),
    },
  };
}

/** A message that is not a flashblock. */
export function other(
  text: string,
  { upstream = 0, readAt = 0, afterStall = false }: FrameOptions = {},
): UpstreamMessage {
  const content = Buffer.from(text);
  const contentHash = contentHashOf(content);
  return { upstream, readAt, receivedAtMs: readAt, afterStall, kind: 'json', content, contentHash };
}

/** `100-3` for a flashblock of payload `a`, `100-3/b` for another one, the text of anything else. */
export function nameOf({ head, content }: UpstreamMessage): string {
  if (head === undefined) return content.toString();
  const { position, payloadId } = head;
  return `${position.blockNumber}-${position.index}${payloadId === 'a' ? '' : `/${payloadId}`}`;
}

/** `100-3`, `100-3 gap`, `100-3 stale`, `100-3/b conflict first`. */
export function describeDecision(decision: Decision): string {
  const words = [nameOf(decision.message)];
  if (decision.action === 'drop') words.push(decision.reason, ...(decision.firstOfBlock ? ['first'] : []));
  else for (const flag of ['restart', 'takeover', 'gap'] as const) if (decision[flag]) words.push(flag);
  return words.join(' ');
}

export const DEFAULTS = {
  dedupe: 'flashblocks',
  takeoverMs: 600,
  restartMs: 4000,
  gapRepairMs: 60,
  maxMessageBytes: 10_000,
  streamRetentionMs: 12_000,
  ingestId: 'this',
  start: 's1',
} as const;

/** A sequencer whose decisions are read as words. */
export class Bench {
  readonly gaps: GapEnd[] = [];
  readonly sequencer: Sequencer;
  /** What `waitsToPublish` says. */
  waits = false;
  /** What `holds` says. */
  holds = true;
  now = 0;

  constructor(options: Partial<SequencerOptions> = {}) {
    this.sequencer = createSequencer({
      ...DEFAULTS,
      holds: () => this.holds,
      waitsToPublish: () => this.waits,
      onGapEnd: (gap) => this.gaps.push(gap),
      ...options,
    });
  }

  /** Hands on messages, one after the other, at the present time. */
  receive(...messages: UpstreamMessage[]): string[] {
    return messages.flatMap((message) => this.sequencer.receive(message, this.now)).map(describeDecision);
  }

  /** Lets time pass, ticking at every deadline on the way. */
  pass(ms: number): string[] {
    const end = this.now + ms;
    const said: string[] = [];
    for (let due = this.sequencer.deadline(); due !== undefined && due <= end; due = this.sequencer.deadline()) {
      this.now = Math.max(this.now, due);
      said.push(...this.sequencer.tick(this.now).map(describeDecision));
    }
    this.now = end;
    return said;
  }

  adopt(
    state: StoredState | undefined,
    keepOwn: 'nothing' | 'contents' | 'everything' = 'nothing',
    undone: readonly UpstreamMessage[] = [],
  ): string[] {
    return this.sequencer.adopt(state, keepOwn, undone, this.now).map(describeDecision);
  }

  /** How the gaps ended, in words: `0 repaired`. */
  get gapEnds(): string[] {
    return this.gaps.map(({ upstream, outcome }) => `${upstream} ${outcome}`);
  }
}

/** A stored state after the given messages, the last of which stands where it says. */
export function storedAfter(messages: readonly UpstreamMessage[], fields: Partial<StoredState> = {}): StoredState {
  const last = messages.findLast(({ head }) => head !== undefined)?.head;
  return {
    epoch: '11'.repeat(16),
    sequence: messages.length,
    token: '22'.repeat(16),
    decided: last ? { position: last.position, payloadId: last.payloadId } : {},
    recent: messages.map(({ contentHash, head }) => ({ contentHash, ageMs: 10, flashblock: head !== undefined })),
    acceptedAgeMs: 10,
    ...(last && { flashblockAgeMs: 10 }),
    publishers: [],
    ...fields,
  };
}

/** A bench whose stream stands at (100, 2) after a block 99 that ended with index 4. */
export function standing(options: Partial<SequencerOptions> = {}): Bench {
  const bench = new Bench(options);
  bench.receive(frame(99, 3), frame(99, 4), frame(100, 0), frame(100, 1), frame(100, 2));
  return bench;
}
