import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseUpstreamAddress, UpstreamAddressError } from '../../../ingest/upstream/address.ts';

const AFTER = { blockNumber: 123, index: 4 };

describe('the address of an upstream', () => {
  it('is named by host, port and place in the list, with the port filled in', () => {
    for (const [uri, name] of [
      ['ws://builder/ws', 'builder:80#3'],
      ['wss://user:pass@builder.example/ws/key?token=x', 'builder.example:443#3'],
      ['ws://10.0.0.1:8546', '10.0.0.1:8546#3'],
      ['ws://[::1]:8546/', '[::1]:8546#3'],
    ] as const) {
      assert.equal(parseUpstreamAddress(uri, 3).name, name);
    }
  });

  it('sends userinfo as Basic authentication, percent-decoded, and takes it out of the URL', () => {
    const address = parseUpstreamAddress('wss://us%20er:p%40ss%3A%C3%A9@builder/ws', 0);
    assert.deepEqual(address.headers, {
      authorization: `Basic ${Buffer.from('us er:p@ss:é').toString('base64')}`,
    });
    assert.equal(address.url(), 'wss://builder/ws');
    assert.deepEqual(parseUpstreamAddress('ws://builder/ws', 0).headers, {});
    assert.equal(
      parseUpstreamAddress('ws://key@builder/', 0).headers['authorization'],
      `Basic ${Buffer.from('key:').toString('base64')}`,
    );
  });

  it('survives userinfo that is not well percent-encoded', () => {
    assert.ok(parseUpstreamAddress('ws://a%zz:b%@builder/', 0).headers['authorization']);
  });

  it('adds the position to the query, and keeps what is there to the byte', () => {
    for (const [uri, url] of [
      ['ws://b/ws', 'ws://b/ws?block_number=123&flashblock_index=4'],
      ['ws://b/ws?', 'ws://b/ws?block_number=123&flashblock_index=4'],
      ['ws://b/ws?a=1&b=%20+x&c', 'ws://b/ws?a=1&b=%20+x&c&block_number=123&flashblock_index=4'],
    ] as const) {
      const address = parseUpstreamAddress(uri, 0);
      assert.equal(address.resumable, true);
      assert.equal(address.url(AFTER), url);
      assert.equal(address.url(), new URL(uri).href);
    }
  });

  it('leaves a URI alone that has a position of its own', () => {
    assert.equal(parseUpstreamAddress('ws://b/ws?block_number=1&flashblock_index=0', 0).resumable, false);
    assert.equal(parseUpstreamAddress('ws://b/ws?flashblock_index=0', 0).resumable, false);
  });

  it('refuses what cannot be dialled without telling it', () => {
    for (const uri of ['hunter2', 'http://hunter2/', 'ws://hunter2:port/', 'wss://b/hunter2#fragment', '//hunter2']) {
      assert.throws(
        () => parseUpstreamAddress(uri, 1),
        (error) => {
          assert.ok(error instanceof UpstreamAddressError);
          assert.match(error.message, /^upstream 1 /);
          assert.ok(!`${error.message}${error.stack ?? ''}`.includes('hunter2'));
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    }
  });

  it('never shows userinfo, path or query in its name', () => {
    const secret = fc.stringMatching(/^[A-Z0-9]{12,20}$/);
    fc.assert(
      fc.property(secret, (text) => {
        const address = parseUpstreamAddress(`wss://${text}:${text}@builder.example/ws/${text}?k=${text}`, 0);
        assert.equal(address.name, 'builder.example:443#0');
      }),
    );
  });
});
