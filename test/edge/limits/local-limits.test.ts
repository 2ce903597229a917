import assert from 'node:assert/strict';
import type { LimitRequest, LimitSettings } from '../../../edge/limits/connection-limits.ts';
import { createLocalLimits } from '../../../edge/limits/create-limits.ts';
import { LocalLimits } from '../../../edge/limits/local-limits.ts';
import { FakeClock } from './fake-clock.ts';

const SETTINGS: LimitSettings = {
  perIpConnectionLimit: 2,
  connectRatePerIp: 0,
  connectBurstPerIp: 3,
  ipv6Prefix: 64,
};

/** Admits one after the other; a lease, or which limit refused. */
const admit = async (limits: LocalLimits, request: LimitRequest) => {
  const verdict = await limits.admit(request);
  return verdict.admitted ? verdict.lease : verdict.by;
};

describe('limits of one process', () => {
  const create = (settings: Partial<LimitSettings> = {}, clock = new FakeClock()) =>
    new LocalLimits({ ...SETTINGS, ...settings }, clock);

  it('are counted by address, and clients without an address count as one', async () => {
    const limits = create();
    for (const address of ['192.0.2.1', undefined]) {
      const lease = await admit(limits, { address });
      assert.equal(typeof (await admit(limits, { address })), 'object');
      assert.equal(await admit(limits, { address }), 'ip');
      assert.ok(typeof lease === 'object');
      limits.release(lease);
      limits.release(lease);
      assert.equal(typeof (await admit(limits, { address })), 'object');
      assert.equal(await admit(limits, { address }), 'ip');
    }
  });

  it('are counted by application across addresses, by what the limit is now', async () => {
    const limits = create();
    const come = (at: number, applicationLimit: number | undefined) =>
      admit(limits, { address: `192.0.2.${at}`, application: 'wallet', applicationLimit });
    assert.equal(typeof (await come(1, 1)), 'object');
    assert.equal(await come(2, 1), 'application');
    assert.equal(typeof (await come(2, 2)), 'object');
    assert.equal(await come(3, 0), 'application');
    assert.equal(typeof (await come(3, undefined)), 'object');
    assert.equal(
      typeof (await admit(limits, { address: '192.0.2.4', application: 'other', applicationLimit: 1 })),
      'object',
    );
  });

  it('check the rate first, then the address, then the application', async () => {
    const clock = new FakeClock();
    const limits = create({ connectRatePerIp: 1, perIpConnectionLimit: 1 }, clock);
    const request = { address: '192.0.2.1', application: 'wallet', applicationLimit: 1 };
    assert.equal(typeof (await admit(limits, request)), 'object');
    assert.equal(await admit(limits, request), 'ip');
    assert.equal(await admit(limits, { ...request, address: '192.0.2.2' }), 'application');
    assert.equal(await admit(limits, request), 'ip');
    assert.equal(await admit(limits, request), 'rate');
    await clock.advance(1000);
    assert.equal(await admit(limits, request), 'ip');
  });

  it('are none where they are 0', async () => {
    const limits = create({ perIpConnectionLimit: 0 });
    for (let count = 0; count < 100; count += 1)
      assert.equal(typeof (await admit(limits, { address: '192.0.2.1' })), 'object');
  });

  it('stop, more than once, and leave no timer', async () => {
    const clock = new FakeClock();
    const limits = create({}, clock);
    await limits.start();
    await limits.start();
    await clock.advance(60_000);
    assert.equal(clock.pending, 1);
    await limits.stop();
    await limits.stop();
    assert.equal(clock.pending, 0);
    const real = createLocalLimits(SETTINGS);
    await real.start();
    await real.stop();
  });
});
