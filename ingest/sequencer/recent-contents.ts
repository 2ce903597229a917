import { MAX_RECENT_CONTENTS, type RecentContent } from '../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../message.ts';

/** How long the content of what is not a flashblock counts as a repeat: a constant heartbeat may recur (rule 1). */
const OTHER_CONTENT_MS = 2000;

interface Content {
  readonly contentHash: string;
  /** When it was accepted, in milliseconds of the monotonic clock. */
  readonly at: number;
  readonly flashblock: boolean;
}

/** The window of rule 1: the contents accepted last, at most {@link MAX_RECENT_CONTENTS}. Immutable. */
export class RecentContents {
  static readonly empty = new RecentContents([]);

  /** Newest last. */
  readonly #contents: readonly Content[];

  private constructor(contents: readonly Content[]) {
    this.#contents = contents;
  }

  /** Takes over what a state remembers; its ages are turned into times of the clock that `now` is read from. */
  static learnt(recent: readonly RecentContent[], now: number): RecentContents {
    const contents = recent.map(({ contentHash, ageMs, flashblock }) => ({ contentHash, at: now - ageMs, flashblock }));
    return new RecentContents(contents.slice(-MAX_RECENT_CONTENTS));
  }

  /** Whether the message's content was accepted within the window that holds for its kind. */
  has({ contentHash, head }: UpstreamMessage, now: number): boolean {
    for (let i = this.#contents.length - 1; i >= 0; i -= 1) {
      const content = this.#contents[i];
      if (content?.contentHash === contentHash) return head !== undefined || now - content.at <= OTHER_CONTENT_MS;
    }
    return false;
  }

  /** The window after the message was accepted. */
  with({ contentHash, head }: UpstreamMessage, now: number): RecentContents {
    const contents = this.#contents.slice(-(MAX_RECENT_CONTENTS - 1));
    contents.push({ contentHash, at: now, flashblock: head !== undefined });
    return new RecentContents(contents);
  }

  /** Both windows in one, in order of time; of a content that both have, the later time counts. */
  mergedWith(other: RecentContents): RecentContents {
    const latest = new Map<string, Content>();
    for (const content of [...this.#contents, ...other.#contents]) {
      const known = latest.get(content.contentHash);
      if (known === undefined || known.at < content.at) latest.set(content.contentHash, content);
    }
    const contents = [...latest.values()].sort((a, b) => a.at - b.at);
    return new RecentContents(contents.slice(-MAX_RECENT_CONTENTS));
  }

  /** As a state stores them, newest last. */
  toStored(now: number): RecentContent[] {
    return this.#contents.map(({ contentHash, at, flashblock }) => ({
      contentHash,
      ageMs: Math.max(0, now - at),
      flashblock,
    }));
  }
}
