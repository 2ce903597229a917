import {
  BackplaneUnavailableError,
  type HistoryRead,
  type StreamHead,
  type StreamSource,
  type StreamSourceListener,
} from '../../../shared/backplane/backplane.ts';

interface PendingRead {
  readonly afterSequence: number;
  answer(read: HistoryRead): Promise<void>;
  fail(error?: Error): Promise<void>;
}

/** Lets what follows from a settled promise happen. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A source of which a test decides what it says and when. */
export class ScriptedSource implements StreamSource {
  readonly reads: PendingRead[] = [];
  headCalls = 0;
  stops = 0;
  /** What the head check finds; a promise that stays pending is an answer that never comes. */
  nextHead: () => Promise<StreamHead | undefined> = () => Promise.resolve(undefined);
  startError: Error | undefined;
  #listener: StreamSourceListener | undefined;

  get listener(): StreamSourceListener {
    if (this.#listener === undefined) throw new Error('not started');
    return this.#listener;
  }

  start(listener: StreamSourceListener): Promise<void> {
    this.#listener = listener;
    return this.startError === undefined ? Promise.resolve() : Promise.reject(this.startError);
  }

  readAfter(sequence: number): Promise<HistoryRead> {
    return new Promise((resolve, reject) => {
      this.reads.push({
        afterSequence: sequence,
        answer: (read) => {
          resolve(read);
          return settled();
        },
        fail: (error = new BackplaneUnavailableError('gone')) => {
          reject(error);
          return settled();
        },
      });
    });
  }

  head(): Promise<StreamHead | undefined> {
    this.headCalls += 1;
    return this.nextHead();
  }

  stop(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }
}
