import { strict as assert } from 'node:assert';
import { EventEmitter, once } from 'node:events';
import { BEAT_MS, every } from '../../shared/every.ts';

/** Timers that keep this process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

describe('every', () => {
  const ends: (() => void)[] = [];
  const events = new EventEmitter();
  const start = (ms: number, name: string): (() => void) => {
    const end = every(ms, () => events.emit(name));
    ends.push(end);
    return end;
  };
  /** In the order in which they were called back, until one was so often. */
  const calls = async (names: readonly string[], until: string, times: number): Promise<string[]> => {
    const seen: string[] = [];
    const note = names.map((name) => [name, () => seen.push(name)] as const);
    for (const [name, listener] of note) events.on(name, listener);
    for (let turn = 0; turn < times; turn += 1) await once(events, until);
    for (const [name, listener] of note) events.off(name, listener);
    return seen;
  };
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  it('shares one timer between all periods of a beat and more', () => {
    const before = timers();
    start(BEAT_MS, 'one');
    start(2.5 * BEAT_MS, 'two');
    start(60_000, 'minute');
    assert.equal(timers(), before + 1);
    for (const end of ends) end();
    assert.equal(timers(), before);
  });

  it('calls back after as many beats as fit in the period', async () => {
    start(2.5 * BEAT_MS, 'second');
    start(BEAT_MS, 'first');
    assert.deepEqual(await calls(['first', 'second'], 'first', 4), [
      'first',
      'second',
      'first',
      'first',
      'second',
      'first',
    ]);
  });

  it('goes its own way below a beat', async () => {
    start(BEAT_MS, 'beat');
    start(BEAT_MS / 20, 'short');
    const seen = await calls(['beat', 'short'], 'beat', 1);
    assert.ok(seen.filter((name) => name === 'short').length > 1);
  });

  it('calls back no more once ended, not even in the turn in which it is ended', async () => {
    let endOther = (): void => undefined;
    ends.push(every(BEAT_MS, () => endOther()));
    endOther = every(BEAT_MS, () => assert.fail('called'));
    start(BEAT_MS, 'last');
    await once(events, 'last');
    endOther();
  });

  it('waits a period where it is begun by a callback', async () => {
    const seen: string[] = [];
    ends.push(
      every(BEAT_MS, () => {
        seen.push('outer');
        if (seen.length > 1) events.emit('done');
        else ends.push(every(BEAT_MS, () => seen.push('inner')));
      }),
    );
    await once(events, 'done');
    assert.deepEqual(seen, ['outer', 'outer', 'inner']);
  });
});
