import type { KnownPublisher } from '../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../message.ts';
import type { SequencerOptions } from './contract.ts';

/** Knows from the state's publish ids whether another ingest may have published a message (rule 5). */
export class OtherIngests {
  readonly #options: Pick<SequencerOptions, 'ingestId' | 'start'>;
  /** When it was learnt that another ingest had published since this one's last publish. */
  #seenAt: number | undefined;
  #publishedSince = false;

  constructor(options: Pick<SequencerOptions, 'ingestId' | 'start'>) {
    this.#options = options;
  }

  /** An earlier run of the same ingest counts as another one: it may have published what this one waits with. */
  learn(publishers: readonly KnownPublisher[], now: number): void {
    const { ingestId, start } = this.#options;
    let own = 0;
    let others = 0;
    for (const publisher of publishers) {
      if (publisher.ingestId === ingestId && publisher.start === start) own = Math.max(own, publisher.lastSequence);
      else others = Math.max(others, publisher.lastSequence);
    }
    this.#seenAt = others > own ? now : undefined;
    this.#publishedSince = false;
  }

  /** This ingest decided to publish. If another one comes in between, that is refused and learnt. */
  decided(): void {
    this.#publishedSince = true;
  }

  mayHavePublished({ readAt }: UpstreamMessage): boolean {
    return this.#seenAt !== undefined && (!this.#publishedSince || readAt <= this.#seenAt);
  }
}
