/** Requests and frames that are nearly right: structured mutations of valid ones, all drawn from a seed. Pure. */
import type { Random } from '../../../tools/simulate/random.ts';
import { upgradeRequest } from '../../edge/raw-peer.ts';
import { clientFrame } from './frames.ts';

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.between(0, values.length - 1)]!;
}

function bytes(random: Random, length: number): Buffer<ArrayBuffer> {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)));
}

/** Some bytes replaced, taken out, put in or repeated. */
function mutateBytes(random: Random, original: Buffer): Buffer {
  let mutated: Buffer = original;
  for (let changes = random.between(1, 3); changes > 0; changes--) {
    const at = random.between(0, Math.max(mutated.length - 1, 0));
    const [before, behind] = [mutated.subarray(0, at), mutated.subarray(at)];
    const kind = random.between(0, 4);
    if (kind === 0) mutated = Buffer.concat([before, bytes(random, 1), behind.subarray(1)]);
    else if (kind === 1) mutated = Buffer.concat([before, behind.subarray(random.between(1, 8))]);
    else if (kind === 2) mutated = Buffer.concat([before, bytes(random, random.between(1, 8)), behind]);
    else if (kind === 3) mutated = Buffer.concat([before, behind.subarray(0, 16), behind]);
    else
      mutated = Buffer.concat([
        before,
        Buffer.from([behind[0] ?? 0].map((byte) => byte ^ (1 << random.between(0, 7)))),
        behind.subarray(1),
      ]);
  }
  return mutated;
}

const METHODS: readonly string[] = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'CONNECT', 'get', 'OPTIONS', 'PRI', ''];
const PATHS = [
  '/ws',
  '/ws',
  '/ws?encoding=text',
  '/ws/filter',
  '/ws/key',
  '/healthz',
  '//ws',
  '/ws/%00',
  '/ws?encoding=%',
  '*',
  'http://a/ws',
  '/'.repeat(3000),
  '/ws?block_number=1&flashblock_index=-1',
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.10', 'http/1.1', ''];
const LINES = [
  'Content-Length: 5', 'Content-Length: -1', 'Transfer-Encoding: chunked', 'Transfer-Encoding: x', 'Host: other', 'Host:',
  'Upgrade: h2c', 'Connection: close', 'Connection: keep-alive', 'Expect: 100-continue', 'Sec-WebSocket-Version: 12',
  'Sec-WebSocket-Key: x', 'Sec-WebSocket-Extensions: permessage-deflate; x=1', 'Sec-WebSocket-Extensions: ,,;;=', 'Sec-WebSocket-Protocol: a,a',
  'X-Forwarded-For: , ,', 'X-Forwarded-For: 1.2.3.4.5', 'X-API-Key: ', 'Authorization: Bearer', '__proto__: 1', ': empty', ' folded', 'X: a\0b', 'X'.repeat(9000),
]; // prettier-ignore

/** An upgrade request that is wrong in some way, or barely right. */
export function mutatedRequest(random: Random): Buffer {
  let text = upgradeRequest(pick(random, PATHS));
  if (random.chance(0.3)) text = text.replace('GET', pick(random, METHODS));
  if (random.chance(0.3)) text = text.replace('HTTP/1.1', pick(random, VERSIONS));
  const lines = text.split('\r\n');
  for (let extra = random.between(0, 3); extra > 0; extra--)
    lines.splice(random.between(1, lines.length - 2), 0, pick(random, LINES));
  if (random.chance(0.3)) lines.splice(random.between(1, lines.length - 3), 1);
  const request = Buffer.from(lines.join(random.chance(0.05) ? '\n' : '\r\n'), 'latin1');
  return random.chance(0.6) ? mutateBytes(random, request) : request;
}

const OPCODES = [0, 1, 1, 2, 2, 8, 9, 9, 10, 10, 3, 7, 11, 15];

/** A client's frame that is wrong in some way, or barely right. Half of them are such that a connection survives them. */
export function mutatedFrame(random: Random): Buffer {
  const mask = bytes(random, 4);
  const payload = bytes(random, pick(random, [0, 0, 1, 2, 4, 60, 125, 126, 127]));
  if (random.chance(0.5)) {
    const opcode = pick(random, [1, 2, 9, 10]);
    return clientFrame({ opcode, payload: opcode > 8 ? payload.subarray(0, 125) : payload }, mask);
  }
  const frame = clientFrame(
    {
      fin: random.chance(0.7),
      opcode: pick(random, OPCODES),
      reserved: random.chance(0.1) ? random.between(1, 7) : 0,
      masked: random.chance(0.9),
      payload,
      ...(random.chance(0.1) && {
        claimed: pick(random, [0, 1, 125, 126, 65_535, 65_536, 4096, 4097, 2 ** 31, 2 ** 52]),
      }),
    },
    mask,
  );
  return random.chance(0.4) ? mutateBytes(random, frame) : frame;
}
