import { setTimeout as delay } from 'node:timers/promises';
import { BackplaneUnavailableError } from '../../shared/backplane/backplane.ts';
import { newId, type Draft, type Recorder, type Writer } from './backplane-harness.ts';

/** Pause before a call is made again. */
const AGAIN_MS = 20;

/** A message that a source does not hear within this was published while it was not subscribed. */
const HEARD_WITHIN_MS = 200;

/** Asks until there is an answer. */
export async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof BackplaneUnavailableError)) throw error;
      await delay(AGAIN_MS);
    }
  }
}

/**
 * Publishes one message whatever it takes, as an ingest does: sends it again when the answer is lost, and decides again
 * when it is refused.
 *
 * @returns its number
 */
export async function publishThrough(writer: Writer, message: Draft): Promise<number> {
  let request = writer.request(message);
  for (;;) {
    const sent = request;
    const outcome = await untilAnswered(() => writer.send(sent));
    if (outcome.result === 'published') {
      writer.highest = Math.max(writer.highest, outcome.sequence);
      return outcome.sequence;
    }
    const { state, reason } = outcome;
    writer.seed =
      reason === 'moved'
        ? undefined
        : { epoch: newId(), recent: [], previousEpoch: state?.epoch ?? '', previousSequence: writer.highest };
    writer.adopt(state);
    request = writer.request(message);
  }
}

/**
 * Publishes one message after the other until a source hears the newest; what it missed while it was moving stands in the
 * history.
 *
 * @returns the numbers published
 */
export async function publishUntilHeard(
  writer: Writer,
  recorder: Recorder,
  messages: Iterable<Draft>,
): Promise<number[]> {
  const numbers: number[] = [];
  for (const message of messages) {
    const number = await publishThrough(writer, message);
    numbers.push(number);
    const heard = recorder.until(({ envelopes }) => envelopes.at(-1)?.sequence === number).then(() => true);
    if (await Promise.race([heard, delay(HEARD_WITHIN_MS, false)])) return numbers;
  }
  throw new Error('the source never heard the newest message');
}
