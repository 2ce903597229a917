import { strict as assert } from 'node:assert';
import { Admission, type AdmissionStep, type Candidate, type Grant } from '../../../edge/admission/admission.ts';
import { NOT_FOUND, badRequest, rawAnswer, refusalBytes } from '../../../edge/admission/refusal.ts';
import { InstanceLimitStep, OwnPlaces } from '../../../edge/admission/steps.ts';

const CANDIDATE: Candidate = { query: new URLSearchParams(), headers: {} };
const GRANT: Grant = { address: undefined, encoding: 'br' };

/** A step that tells when it is asked and when it gives back. */
function step(name: string, events: string[], result?: () => ReturnType<AdmissionStep['admit']>): AdmissionStep {
  return {
    admit: () => {
      events.push(name);
      return result?.();
    },
    release: () => {
      events.push(`-${name}`);
    },
  };
}

describe('admission', () => {
  it('asks its steps in order, and gives back in the reverse order when the connection ends', async () => {
    const events: string[] = [];
    const admission = new Admission([step('a', events), step('b', events, () => Promise.resolve(undefined))]);
    assert.equal(await admission.admit(CANDIDATE, GRANT), undefined);
    assert.deepEqual(events, ['a', 'b']);
    admission.release(GRANT);
    assert.deepEqual(events, ['a', 'b', '-b', '-a']);
  });

  it('ends at the first refusal and gives back what was taken before', async () => {
    const events: string[] = [];
    const refusal = badRequest('no');
    const admission = new Admission([step('a', events), step('b', events, () => refusal), step('c', events)]);
    assert.equal(await admission.admit(CANDIDATE, GRANT), refusal);
    assert.deepEqual(events, ['a', 'b', '-a']);
  });

  it('gives back what was taken when a step fails', async () => {
    const events: string[] = [];
    const admission = new Admission([step('a', events), step('b', events, () => Promise.reject(new Error('away')))]);
    await assert.rejects(admission.admit(CANDIDATE, GRANT), /away/);
    assert.deepEqual(events, ['a', 'b', '-a']);
  });

  it('never lets more in than the instance limit, also while a later step takes its time', async () => {
    let refused = 0;
    const places = new OwnPlaces(2);
    const limit = new InstanceLimitStep(places, () => (refused += 1));
    let open: () => void = () => undefined;
    const gate = new Promise<undefined>((resolve) => (open = () => resolve(undefined)));
    const admission = new Admission([limit, { admit: () => gate }]);
    const attempts = Array.from({ length: 5 }, () => admission.admit(CANDIDATE, { ...GRANT }));
    open();
    const statuses = (await Promise.all(attempts)).map((refusal) => refusal?.status);
    assert.deepEqual(statuses, [undefined, undefined, 429, 429, 429]);
    assert.deepEqual([places.taken, refused], [2, 3]);
    admission.release(GRANT);
    assert.equal(places.taken, 1);
  });

  it('waits for a place that another process gives, and gives it back', async () => {
    let refused = 0;
    let released = 0;
    let answer: (had: boolean) => void = () => undefined;
    const take = () => new Promise<boolean>((resolve) => (answer = resolve));
    const places = { take, release: () => (released += 1) };
    const admission = new Admission([new InstanceLimitStep(places, () => (refused += 1))]);
    const first = admission.admit(CANDIDATE, { ...GRANT });
    answer(true);
    assert.equal(await first, undefined);
    const second = admission.admit(CANDIDATE, { ...GRANT });
    answer(false);
    assert.equal((await second)?.status, 429);
    assert.deepEqual([refused, released], [1, 0]);
    admission.release(GRANT);
    assert.equal(released, 1);
  });
});

describe('refusal', () => {
  it('is a whole HTTP answer with a JSON body', () => {
    assert.equal(
      refusalBytes({ ...NOT_FOUND, headers: { 'Retry-After': '5' } }),
      'HTTP/1.1 404 Not Found\r\nRetry-After: 5\r\nContent-Type: application/json\r\nContent-Length: 23\r\n' +
        'Connection: close\r\n\r\n{"message":"Not found"}',
    );
    assert.equal(rawAnswer(200, { 'Content-Length': '0' }, ''), 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
});
