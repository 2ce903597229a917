import { strict as assert } from 'node:assert';
import type { IncomingHttpHeaders } from 'node:http';
import { Admission, type Candidate, type Grant } from '../../../edge/admission/admission.ts';
import type { Refusal } from '../../../edge/admission/refusal.ts';
import { FailedKeys } from '../../../edge/keys/failed-keys.ts';
import { KeyStep } from '../../../edge/keys/key-step.ts';
import type { KeyStore } from '../../../edge/keys/key-store.ts';

/** A store that knows `right` and `limited`. */
const KEYS: Pick<KeyStore, 'find'> = {
  find: (key) => {
    switch (key.toString()) {
      case 'right':
        return { keyId: 'key-1', application: 'a', applicationLimit: undefined };
      case 'limited':
        return { keyId: 'key-2', application: 'b', applicationLimit: 5 };
      default:
        return undefined;
    }
  },
};

const INVALID: Refusal = { status: 401, message: 'Invalid API key', result: 'unauthorized' };
const NOT_FOUND: Refusal = { status: 404, message: 'Not found', result: 'not_found' };

function candidate(key: string | undefined, headers: IncomingHttpHeaders = {}): Candidate {
  return { key, headers, query: new URLSearchParams() };
}

/** A step with a clock that stands still, unless the test sets it. */
class Harness {
  readonly step: KeyStep;
  unauthorized = 0;
  now = 0;

  constructor(publicAccessEnabled = false) {
    this.step = new KeyStep(
      { publicAccessEnabled, ipv6Prefix: 64 },
      {
        keys: KEYS,
        failures: new FailedKeys(() => this.now),
        unauthorizedRequests: { inc: () => (this.unauthorized += 1) },
      },
    );
  }

  admit(request: Candidate, address: string | undefined = '192.0.2.1'): { refusal: Refusal | undefined; grant: Grant } {
    const grant: Grant = { address, encoding: 'br' };
    return { refusal: this.step.admit(request, grant), grant };
  }
}

describe('the key step', () => {
  it('lets a right key in, from the path and from each header, and says whose it is', () => {
    const harness = new Harness();
    for (const request of [
      candidate('right'),
      candidate(undefined, { authorization: 'Bearer right' }),
      candidate(undefined, { 'x-api-key': 'right' }),
      candidate(undefined, { 'x-api-key': 'right', authorization: 'Basic eDp5' }),
    ]) {
      const { refusal, grant } = harness.admit(request);
      assert.equal(refusal, undefined);
      assert.deepEqual(grant, {
        address: '192.0.2.1',
        encoding: 'br',
        application: 'a',
        applicationLimit: undefined,
        keyId: 'key-1',
      });
    }
    assert.equal(harness.admit(candidate('limited')).grant.applicationLimit, 5);
    assert.equal(harness.unauthorized, 0);
  });

  it('refuses a wrong key with 401, also with public access, and leaves the grant as it was', () => {
    for (const publicAccess of [false, true]) {
      const harness = new Harness(publicAccess);
      for (const request of [
        candidate('wrong'),
        candidate(''),
        candidate('wrong', { 'x-api-key': 'right' }),
        candidate(undefined, { authorization: 'Bearer wrong' }),
        candidate(undefined, { 'x-api-key': 'wrong' }),
        candidate(undefined, { 'x-api-key': '' }),
        candidate(undefined, { 'x-api-key': 'right', authorization: 'Bearer limited' }),
      ]) {
        assert.equal(harness.step.hasRoute(request), true);
        assert.deepEqual(harness.admit(request), { refusal: INVALID, grant: { address: '192.0.2.1', encoding: 'br' } });
      }
      assert.equal(harness.unauthorized, 7);
    }
  });

  it('has no route for a client without a key, except with public access, where it is nobody’s', () => {
    const closed = new Harness();
    const open = new Harness(true);
    for (const request of [candidate(undefined), candidate(undefined, { authorization: 'Basic eDp5' })]) {
      assert.equal(closed.step.hasRoute(request), false);
      assert.deepEqual(closed.admit(request).refusal, NOT_FOUND);
      assert.equal(open.step.hasRoute(request), true);
      assert.deepEqual(open.admit(request), { refusal: undefined, grant: { address: '192.0.2.1', encoding: 'br' } });
    }
    assert.deepEqual([closed.unauthorized, open.unauthorized], [0, 0]);
  });

  it('refuses the wrong keys of an address with 429 when there were too many, and tells when to come back', () => {
    const harness = new Harness();
    for (let n = 0; n < 20; n++) assert.equal(harness.admit(candidate('wrong')).refusal?.status, 401);
    assert.deepEqual(harness.admit(candidate('wrong')).refusal, {
      status: 429,
      message: 'Too many invalid API keys',
      result: 'key_rate',
      headers: { 'Retry-After': '1' },
    });
    assert.equal(harness.admit(candidate('wrong'), '192.0.2.2').refusal?.status, 401);
    assert.equal(harness.unauthorized, 22);
    harness.now += 1000;
    assert.equal(harness.admit(candidate('wrong')).refusal?.status, 401);
  });

  it('takes right keys and clients without one from an address that has sent too many wrong ones', () => {
    const harness = new Harness(true);
    for (let n = 0; n < 100; n++) harness.admit(candidate('wrong'));
    assert.equal(harness.admit(candidate('wrong')).refusal?.status, 429);
    assert.equal(harness.admit(candidate('right')).refusal, undefined);
    assert.equal(harness.admit(candidate(undefined)).refusal, undefined);
  });

  it('counts the wrong keys of an IPv6 network together', () => {
    const harness = new Harness();
    for (let n = 0; n < 20; n++) harness.admit(candidate('wrong'), `2001:db8::${n + 1}`);
    assert.equal(harness.admit(candidate('wrong'), '2001:db8::ffff').refusal?.status, 429);
    assert.equal(harness.admit(candidate('wrong'), '2001:db8:0:1::1').refusal?.status, 401);
  });

  it('ends the admission before the steps behind it, so that a storm of wrong keys asks them nothing', async () => {
    const harness = new Harness();
    let asked = 0;
    const admission = new Admission([harness.step, { admit: () => void (asked += 1) }]);
    for (let n = 0; n < 1000; n++) {
      const grant: Grant = { address: `192.0.2.${n % 7}`, encoding: 'br' };
      assert.notEqual(await admission.admit(candidate(`wrong ${n}`), grant), undefined);
    }
    assert.equal(asked, 0);
    assert.equal(await admission.admit(candidate('right'), { address: '192.0.2.1', encoding: 'br' }), undefined);
    assert.equal(asked, 1);
  });
});
