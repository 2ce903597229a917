import assert from 'node:assert/strict';
import { MAX_KNOWN_PEERS, PeerAddresses } from '../../../edge/admission/trusted-proxies.ts';

describe('PeerAddresses', () => {
  it('reads an address as it is read without it, the first time and again', () => {
    const peers = new PeerAddresses();
    for (let time = 0; time < 2; time++) {
      assert.equal(peers.read('::ffff:192.0.2.1')?.toString(), '192.0.2.1');
      assert.equal(peers.read('2001:DB8:0::1')?.toString(), '2001:db8::1');
      assert.equal(peers.read('nobody'), undefined);
    }
    assert.equal(peers.size, 2);
  });

  it('remembers no more than its bound', () => {
    const peers = new PeerAddresses();
    for (let index = 0; index < 3 * MAX_KNOWN_PEERS; index++) {
      assert.equal(peers.read(`10.0.${index >> 8}.${index & 255}`)?.toString(), `10.0.${index >> 8}.${index & 255}`);
      assert.ok(peers.size <= MAX_KNOWN_PEERS);
    }
  });
});
