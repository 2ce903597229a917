import assert from 'node:assert/strict';
import { claimOf } from '../../../edge/limits/claim.ts';

const SETTINGS = { perIpConnectionLimit: 10, connectRatePerIp: 10, connectBurstPerIp: 50, ipv6Prefix: 64 };

describe('what a client asks of the limits', () => {
  it('counts by its network, and all whose address nobody knows by one name', () => {
    assert.equal(claimOf({ address: '2001:db8::7' }, SETTINGS, 'a').lease.address, '2001:db8::/64');
    assert.equal(claimOf({ address: '192.0.2.7' }, SETTINGS, 'a').lease.address, '192.0.2.7');
    assert.equal(claimOf({ address: undefined }, SETTINGS, 'a').lease.address, 'unknown');
  });

  it('takes leases only of what is limited', () => {
    const unlimited = { ...SETTINGS, perIpConnectionLimit: 0 };
    const request = { address: '192.0.2.7', application: 'app' };
    assert.deepEqual(claimOf(request, unlimited, 'a').lease, {
      member: 'a',
      address: undefined,
      application: undefined,
    });
    assert.equal(claimOf({ ...request, applicationLimit: 0 }, unlimited, 'a').lease.application, 'app');
  });
});
