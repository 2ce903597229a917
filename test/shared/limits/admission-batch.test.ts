import assert from 'node:assert/strict';
import { BackplaneUnavailableError } from '../../../shared/backplane/backplane.ts';
import { AdmissionBatch, MAX_BATCH } from '../../../shared/limits/admission-batch.ts';
import type { LeaseAnswer, LeaseRequest } from '../../../shared/limits/lease-store.ts';

const request = (member: string): LeaseRequest => ({
  lease: { member, address: '192.0.2.1', application: undefined },
  rate: undefined,
  addressLimit: 1,
  applicationLimit: 0,
});

interface Call {
  readonly members: readonly string[];
  readonly answer: (answers: readonly LeaseAnswer[]) => void;
  readonly fail: (error: Error) => void;
}

describe('AdmissionBatch', () => {
  let calls: Call[];
  /** The callbacks of the pauses that go on. */
  let pauses: Set<() => void>;
  let batch: AdmissionBatch;
  const sent = (): (readonly string[])[] => calls.map(({ members }) => members);
  const endPause = (): void => {
    const [end] = pauses;
    assert.ok(end !== undefined && pauses.size === 1);
    pauses.clear();
    end();
  };

  beforeEach(() => {
    calls = [];
    pauses = new Set();
    batch = new AdmissionBatch(
      (requests) =>
        new Promise((answer, fail) => calls.push({ members: requests.map(({ lease }) => lease.member), answer, fail })),
      {
        later: (_ms, callback) => {
          pauses.add(callback);
          return () => pauses.delete(callback);
        },
      },
    );
  });

  it('sends a request that comes alone at once', () => {
    void batch.add(request('a'));
    assert.deepEqual(sent(), [['a']]);
    endPause();
    void batch.add(request('b'));
    assert.deepEqual(sent(), [['a'], ['b']]);
  });

  it('sends together what comes soon after a call, and gives each its own answer', async () => {
    void batch.add(request('a'));
    const asked = [batch.add(request('b')), batch.add(request('c'))];
    assert.deepEqual(sent(), [['a']]);
    endPause();
    assert.deepEqual(sent(), [['a'], ['b', 'c']]);
    calls[1]?.answer([{ result: 'ip' }, { result: 'rate', retryAfterMs: 5 }]);
    assert.deepEqual(await Promise.all(asked), [{ result: 'ip' }, { result: 'rate', retryAfterMs: 5 }]);
    endPause();
    assert.equal(calls.length, 2);
    assert.equal(pauses.size, 0);
  });

  it('sends no more than a batch in one call, and does not wait with a full one', () => {
    for (let index = 0; index < 2 * MAX_BATCH + 2; index++) void batch.add(request(String(index)));
    assert.deepEqual(
      calls.map(({ members }) => members.length),
      [1, MAX_BATCH, MAX_BATCH],
    );
    endPause();
    assert.equal(calls[3]?.members.length, 1);
  });

  it('sends at once what waits when it is told to', () => {
    void batch.add(request('a'));
    void batch.add(request('b'));
    batch.send();
    batch.send();
    assert.deepEqual(sent(), [['a'], ['b']]);
    assert.equal(pauses.size, 0);
  });

  it('rejects all requests of a call that fails, and no others', async () => {
    void batch.add(request('a'));
    const [second, third] = [batch.add(request('b')), batch.add(request('c'))];
    batch.send();
    const fourth = batch.add(request('d'));
    calls[1]?.fail(new BackplaneUnavailableError('gone'));
    await assert.rejects(second, BackplaneUnavailableError);
    await assert.rejects(third, BackplaneUnavailableError);
    endPause();
    calls[2]?.answer([{ result: 'admitted' }]);
    assert.deepEqual(await fourth, { result: 'admitted' });
  });

  it('never sends what was dropped, and leaves no timer', async () => {
    void batch.add(request('a'));
    const asked = batch.add(request('b'));
    batch.drop();
    await assert.rejects(asked, BackplaneUnavailableError);
    assert.deepEqual(sent(), [['a']]);
    assert.equal(pauses.size, 0);
  });
});
