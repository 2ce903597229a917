/** The page's connection to its process: server-sent events, opened again after every end. */
import type { FlashblocksEvent, SecondEvent, Snapshot } from '../contract.ts';

export interface LinkEvents {
  snapshot(snapshot: Snapshot): void;
  flashblocks(event: FlashblocksEvent): void;
  second(event: SecondEvent): void;
  /** @param full it was refused because too many pages are open */
  lost(full: boolean): void;
}

/** The process speaks every second; three in a row do not get lost on a connection that is there. */
const SILENT_MS = 4000;
const RETRY_MS = 1000;
const RETRY_FULL_MS = 10_000;
/** A process that hangs takes the question and never answers it; the page has to say so meanwhile. */
const ASKED_MS = 1000;

export class Link {
  readonly #url: string;
  readonly #events: LinkEvents;
  #source: EventSource | undefined;
  #watch: number | undefined;

  constructor(url: string, events: LinkEvents) {
    this.#url = url;
    this.#events = events;
  }

  open(): void {
    const source = new EventSource(this.#url);
    this.#source = source;
    const on = (name: string, handle: (data: unknown) => void) =>
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        this.#heard();
        handle(JSON.parse(data));
      });
    on('snapshot', (data) => this.#events.snapshot(data as Snapshot));
    on('flashblocks', (data) => this.#events.flashblocks(data as FlashblocksEvent));
    on('second', (data) => this.#events.second(data as SecondEvent));
    source.onerror = () => void this.#ended();
    this.#heard();
  }

  /** A connection that says nothing may be half-open, which a browser does not notice. */
  #heard(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => void this.#ended(), SILENT_MS);
  }

  async #ended(): Promise<void> {
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = undefined;
    const full = await this.#isFull();
    this.#events.lost(full);
    setTimeout(() => this.open(), full ? RETRY_FULL_MS : RETRY_MS);
  }

  /** An EventSource does not say why it was refused. */
  async #isFull(): Promise<boolean> {
    try {
      return (await fetch(this.#url, { method: 'HEAD', signal: AbortSignal.timeout(ASKED_MS) })).status === 503;
    } catch {
      return false;
    }
  }
}
