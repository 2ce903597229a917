import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from '../../../../edge/front/accept/proxy-header.ts';
import { inet, inet6, tlv, v1, v2 } from './proxy-headers.ts';

/** The address that a header names; throws where it is none. */
function addressIn(bytes: Buffer): string | undefined {
  const header = parseProxyHeader(bytes);
  assert.equal(header.kind, 'header');
  return header.address;
}

const V6 = '2001:db8::7';

describe("PROXY protocol's header", () => {
  for (const [name, bytes, address] of [
    ['version 1 over IPv4', v1('TCP4'), '192.0.2.7'],
    ['version 1 over IPv6', v1('TCP6', V6, '2001:db8::1'), V6],
    ['version 1 that knows nothing', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
    ['version 1 that knows nothing and says more', v1('UNKNOWN', 'ffff:f', 'what ever'), undefined],
    ['version 2 over IPv4', v2({ payload: inet() }), '192.0.2.7'],
    ['version 2 over IPv6', v2({ family: 0x21, payload: inet6() }), V6],
    [
      'version 2 with fields behind the addresses',
      v2({ payload: inet([10, 1, 2, 3], tlv(0xea, Buffer.alloc(900))) }),
      '10.1.2.3',
    ],
    [
      'version 2 of the longest kind',
      v2({ payload: inet([10, 1, 2, 3], Buffer.alloc(MAX_PROXY_HEADER_BYTES - 28)) }),
      '10.1.2.3',
    ],
    ['version 2 over AF_UNIX', v2({ family: 0x31, payload: Buffer.alloc(216) }), undefined],
    ['version 2 of no family', v2({ family: 0x00, payload: tlv(4, Buffer.alloc(3)) }), undefined],
    ['version 2 of the balancer itself', v2({ command: 0x20, family: 0x00 }), undefined],
    ['version 2 of the balancer itself, with addresses', v2({ command: 0x20, payload: inet() }), undefined],
  ] as const) {
    it(`of ${name} is read at its last byte, wherever it is cut`, () => {
      for (let length = 0; length < bytes.length; length += 1) {
        assert.equal(parseProxyHeader(bytes.subarray(0, length)).kind, 'incomplete', `${length} bytes`);
      }
      for (const rest of ['', 'GET /ws HTTP/1.1\r\n', '\r\n', 'PROXY ']) {
        const header = parseProxyHeader(Buffer.concat([bytes, Buffer.from(rest)]));
        assert.deepEqual(header, { kind: 'header', length: bytes.length, address });
      }
    });
  }

  it('of version 1 may be 107 bytes long and no longer', () => {
    const line = (length: number): Buffer => Buffer.from(`${'PROXY UNKNOWN '.padEnd(length - 2, 'x')}\r\n`);
    assert.equal(addressIn(line(107)), undefined);
    assert.equal(parseProxyHeader(line(108)).kind, 'invalid');
  });

  for (const [name, bytes] of [
    ['HTTP', Buffer.from('GET /ws HTTP/1.1\r\n')],
    ['TLS', Buffer.from([22, 3, 1, 2, 0])],
    ['lower case', Buffer.from('proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n')],
    ['another family', v1('UDP4')],
    ['a family that is not the addresses', v1('TCP6')],
    ['an address that is none', v1('TCP4', '192.0.2.256')],
    ['an address in octal', v1('TCP4', '0300.0.2.7')],
    ['an address with a zone', v1('TCP6', 'fe80::1%eth0', '::1')],
    ['a target that is none', v1('TCP4', '192.0.2.7', 'edge')],
    ['a port that is none', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 99999 1\r\n')],
    ['a missing port', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1\r\n')],
    ['two blanks', Buffer.from('PROXY TCP4  192.0.2.7 192.0.2.8 1 2\r\n')],
    ['more words', Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n')],
    ['version 3', v2({ command: 0x31, payload: inet() })],
    ['an unknown command', v2({ command: 0x22, payload: inet() })],
    ['an unknown family', v2({ family: 0x41, payload: inet() })],
    ['datagrams', v2({ family: 0x12, payload: inet() })],
    ['addresses that do not fit their length', v2({ payload: inet().subarray(0, 11) })],
    ['more than 4 KiB', v2({ payload: inet([1, 2, 3, 4], Buffer.alloc(MAX_PROXY_HEADER_BYTES - 27)) })],
    ['64 KiB announced', v2({ payload: inet(), length: 65_535 })],
  ] as const) {
    it(`is not ${name}`, () => {
      assert.deepEqual(parseProxyHeader(bytes), { kind: 'invalid' });
    });
  }

  it('is judged without a throw, whatever comes, and ends within 4 KiB', () => {
    const start = fc.constantFrom(
      Buffer.alloc(0),
      v1('TCP4').subarray(0, 11),
      v2({}).subarray(0, 12),
      v2({ payload: inet() }),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 5000 }), (head, rest) => {
        const header = parseProxyHeader(Buffer.concat([head, rest]));
        if (header.kind === 'header') assert.ok(header.length <= MAX_PROXY_HEADER_BYTES);
        if (head.length + rest.length >= MAX_PROXY_HEADER_BYTES) assert.notEqual(header.kind, 'incomplete');
      }),
    );
  });
});
