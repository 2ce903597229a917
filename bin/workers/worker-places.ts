import type { Places } from '../../edge/admission/steps.ts';
import type { Word } from './messages.ts';

type PlacesWord = Extract<Word, { kind: 'places' }>;

/**
 * A worker's view of the places that the primary counts. What comes up in one turn of the loop goes into one message; those
 * that want a place are bounded by MAX_PENDING, as connections that are being admitted are.
 */
export class WorkerPlaces implements Places {
  readonly #send: (word: PlacesWord) => void;
  readonly #later: (flush: () => void) => void;
  /** To be asked for. */
  #waiting: ((had: boolean) => void)[] = [];
  /** Asked for; answered in this order. */
  #asked: ((had: boolean) => void)[] = [];
  #freed = 0;
  #scheduled = false;

  /** @param later runs once the loop has taken in what is there already */
  constructor(
    send: (word: PlacesWord) => void,
    later: (flush: () => void) => void = (flush) => void setImmediate(flush),
  ) {
    this.#send = send;
    this.#later = later;
  }

  take(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  release(): void {
    this.#freed += 1;
    this.#schedule();
  }

  /** The primary's answer: the first so many that were asked for have their places, the others have none. */
  granted(places: number): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const [at, settle] of asked.entries()) settle(at < places);
    if (this.#waiting.length > 0) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const freed = this.#freed;
    this.#freed = 0;
    if (this.#asked.length === 0) {
      this.#asked = this.#waiting;
      this.#waiting = [];
      if (freed > 0 || this.#asked.length > 0) this.#send({ kind: 'places', freed, wanted: this.#asked.length });
    } else if (freed > 0) {
      this.#send({ kind: 'places', freed, wanted: 0 });
    }
  }
}
