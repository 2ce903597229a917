import { strict as assert } from 'node:assert';
import { clientNetwork } from '../../../edge/admission/client-network.ts';

describe('client network', () => {
  for (const [address, bits, network] of [
    ['203.0.113.7', 64, '203.0.113.7'],
    ['203.0.113.7', 24, '203.0.113.7'],
    ['2001:db8::7', 64, '2001:db8::/64'],
    ['2001:db8:0:0:ffff::7', 64, '2001:db8::/64'],
    ['2001:db8:0:1::7', 64, '2001:db8:0:1::/64'],
    ['2001:db8:0:1ff::7', 56, '2001:db8:0:100::/56'],
    ['2001:db8::7', 1, '::/1'],
    ['2001:db8::7', 128, '2001:db8::7'],
  ] as const) {
    it(`of ${address} is ${network} where ${bits} bits count`, () => {
      assert.equal(clientNetwork(address, bits), network);
    });
  }
});
