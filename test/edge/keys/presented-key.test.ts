import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { presentedKey } from '../../../edge/keys/presented-key.ts';
import { anyText } from './records.ts';

/** A short name for what came out. */
function read(headers: IncomingHttpHeaders, key?: string): string {
  const presented = presentedKey({ key, headers });
  return presented.kind === 'one' ? `one ${presented.key.toString()}` : presented.kind;
}

describe('the key that a request presents', () => {
  it('is none without a path and a header that hold one', () => {
    assert.equal(read({}), 'none');
    assert.equal(read({ host: 'h', cookie: 'x-api-key=k', 'x-api-keys': 'k' }), 'none');
  });

  it('stands in the path, and then headers are not looked at', () => {
    assert.equal(read({}, 'k1'), 'one k1');
    assert.equal(read({ authorization: 'Bearer k2', 'x-api-key': 'k3' }, 'k1'), 'one k1');
    assert.equal(read({ 'x-api-key': 'k2' }, ''), 'one ');
  });

  it('stands behind Bearer, however that is written', () => {
    for (const authorization of ['Bearer k1', 'bearer k1', 'BEARER   k1', 'Bearer k1 '])
      assert.equal(read({ authorization }), 'one k1');
  });

  it('stands in X-API-Key', () => {
    for (const value of ['k1', ' k1 ']) assert.equal(read({ 'x-api-key': value }), 'one k1');
  });

  it('is a wrong one where it is empty, so that a client whose key is not filled in is told so', () => {
    for (const authorization of ['Bearer', 'Bearer ', 'bearer   ']) assert.equal(read({ authorization }), 'one ');
    assert.equal(read({ 'x-api-key': '' }), 'one ');
  });

  it('is not what other schemes say: that is meant for a proxy', () => {
    for (const authorization of [
      'Basic dXNlcjprMQ==',
      'Digest k1',
      'k1',
      'Bearerk1',
      'Bearer,k1',
      'Token Bearer k1',
      '',
    ])
      assert.equal(read({ authorization }), 'none', authorization);
    assert.equal(read({ authorization: 'Basic dXNlcjprMQ==', 'x-api-key': 'k1' }), 'one k1');
  });

  it('may stand in both headers, and is refused where they differ', () => {
    assert.equal(read({ authorization: 'Bearer k1', 'x-api-key': 'k1' }), 'one k1');
    assert.equal(read({ authorization: 'Bearer k1', 'x-api-key': 'k2' }), 'several');
    assert.equal(read({ authorization: 'Bearer', 'x-api-key': 'k2' }), 'several');
    assert.equal(read({ 'x-api-key': ['k1', 'k2'] }), 'several');
  });

  it('is the bytes of the header, as Node reads them', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const asked = once(server, 'request') as Promise<[{ headers: IncomingHttpHeaders }, unknown]>;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /ws HTTP/1.1\r\nHost: h\r\nX-API-Key: clé-№\r\n\r\n');
    const [{ headers }] = await asked;
    assert.equal(read(headers), 'one clé-№');
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  it('is found or not found in any headers, without an error, and is a piece of what was sent', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 60 }),
      anyText(20),
      fc
        .tuple(fc.constantFrom('Bearer', 'bearer', 'Basic', 'BEARER\t'), fc.constantFrom('', ' ', '  '), fc.string())
        .map((parts) => parts.join('')),
      fc.constantFrom('x'.repeat(8192), `Bearer ${' '.repeat(8000)}k`, `Bearer ${'b '.repeat(4000)}`),
    );
    const headers = fc.record(
      { authorization: value, 'x-api-key': fc.oneof(value, fc.array(value, { maxLength: 3 })) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(headers, fc.option(value, { nil: undefined }), (sent, key) => {
        const presented = presentedKey({ headers: sent, key });
        if (key !== undefined) assert.deepEqual(presented, { kind: 'one', key });
        if (presented.kind !== 'one' || typeof presented.key === 'string') return;
        const bytes = presented.key.toString('latin1');
        const sentBytes = [sent.authorization ?? '', sent['x-api-key'] ?? '']
          .flat()
          .map((text) => Buffer.from(text, 'latin1').toString('latin1'));
        assert.ok(sentBytes.some((text) => text.includes(bytes)));
      }),
    );
  });
});
