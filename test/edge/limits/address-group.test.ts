import assert from 'node:assert/strict';
import { addressGroup } from '../../../edge/limits/address-group.ts';

describe('what an address counts by', () => {
  for (const [address, prefix, expected] of [
    ['192.0.2.7', 64, '192.0.2.7'],
    ['::ffff:192.0.2.7', 64, '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2ff:3:4:5:6', 56, '2001:db8:1:200::/56'],
    ['2001:db8:ffff::1', 33, '2001:db8:8000::/33'],
    ['2001:db8::1', 128, '2001:db8::1/128'],
    ['ffff::1', 1, '8000::/1'],
    [undefined, 64, 'unknown'],
    ['no address', 64, 'unknown'],
  ] as const)
    it(`is ${expected} for ${address ?? 'none'} with IPV6_PREFIX ${prefix}`, () => {
      assert.equal(addressGroup(address, prefix), expected);
    });
});
