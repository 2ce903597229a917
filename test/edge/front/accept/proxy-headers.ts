/** Headers of the PROXY protocol as balancers write them. */

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export function v1(protocol: string, source = '192.0.2.7', target = '198.51.100.1'): Buffer {
  return Buffer.from(`PROXY ${protocol} ${source} ${target} 51234 8545\r\n`, 'latin1');
}

export function v2(fields: {
  readonly command?: number;
  readonly family?: number;
  readonly payload?: Buffer;
  /** What the header says of its payload's length; the true one when absent. */
  readonly length?: number;
}): Buffer {
  const { command = 0x21, family = 0x11, payload = Buffer.alloc(0), length = payload.length } = fields;
  const head = Buffer.from([command, family, length >> 8, length & 0xff]);
  return Buffer.concat([SIGNATURE, head, payload]);
}

/** Addresses and ports of IPv4, from 192.0.2.7, and what follows them. */
export function inet(source: readonly number[] = [192, 0, 2, 7], more: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([...source, 198, 51, 100, 1, 0xc8, 0x22, 0x21, 0x61]), more]);
}

/** Addresses and ports of IPv6, from 2001:db8::7. */
export function inet6(): Buffer {
  const payload = Buffer.alloc(36);
  payload.write('20010db8', 0, 'hex');
  payload[15] = 7;
  payload.write('20010db8', 16, 'hex');
  return payload;
}

/** One extension field. */
export function tlv(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}
