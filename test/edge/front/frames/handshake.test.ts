import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { handshakeAnswer } from '../../../../edge/front/frames/handshake.ts';

// Not in ws' types.
const { subprotocol } = createRequire(import.meta.url)('ws') as { subprotocol: { parse(list: string): unknown } };

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const HEADERS = { 'sec-websocket-key': KEY, 'sec-websocket-version': '13' };

function answerTo(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  return handshakeAnswer({ headers: { ...HEADERS, ...headers } }, []);
}

function isWsList(list: string): boolean {
  try {
    subprotocol.parse(list);
    return true;
  } catch {
    return false;
  }
}

describe('handshake', () => {
  it('is answered as RFC 6455 has it in its example, with the lines that are asked for behind it', () => {
    assert.equal(
      handshakeAnswer({ headers: HEADERS }, ['Flashcast-Resume: live']),
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
        'Flashcast-Resume: live',
        '\r\n',
      ].join('\r\n'),
    );
  });

  it('agrees to no subprotocol and no extension', () => {
    assert.equal(
      answerTo({ 'sec-websocket-protocol': 'chat, superchat', 'sec-websocket-extensions': 'permessage-deflate' }),
      answerTo({}),
    );
  });

  it('takes the versions 13 and 8', () => {
    for (const version of ['13', '8']) assert.ok(answerTo({ 'sec-websocket-version': version }));
    for (const version of [undefined, '', '7', '0', '13, 8', '013', '0xd'])
      assert.equal(answerTo({ 'sec-websocket-version': version }), undefined, version);
  });

  it('takes a key of 16 bytes as base64', () => {
    for (const key of [undefined, '', 'AAAA', KEY.slice(1), `${KEY}=`, `${KEY}, ${KEY}`, KEY.replace('d', '-')])
      assert.equal(answerTo({ 'sec-websocket-key': key }), undefined, key);
  });

  it('takes the lists of subprotocols that ws takes', () => {
    const part = fc.constantFrom('a', 'b', 'chat', ' ', '\t', ',', ', ', '"', '/', '{}', 'ä');
    const lists = fc.array(part, { maxLength: 8 }).map((parts) => parts.join('').trim());
    fc.assert(
      fc.property(lists, (list) => {
        assert.equal(answerTo({ 'sec-websocket-protocol': list }) !== undefined, isWsList(list));
      }),
      { numRuns: 2000 },
    );
  });
});
