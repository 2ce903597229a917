import assert from 'node:assert/strict';
import fc from 'fast-check';
import { headOf, readFlashblockHead, type FlashblockHead } from '../../shared/flashblock.ts';
import { scanFlashblock } from '../../shared/flashblock-scan.ts';
import { allSamples } from '../support/fixtures.ts';
import { JSON_BYTES } from '../support/json-texts.ts';

/** More values than a message may have to be built. */
const MANY_VALUES = `[${'0,'.repeat(9000)}0]`;

/** What JSON.parse makes of a message. */
function parsedHead(json: Buffer): FlashblockHead | undefined {
  let message;
  try {
    message = JSON.parse(json.toString('utf8')) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  const metadata = (message?.['metadata'] ?? undefined) as Record<string, unknown> | undefined;
  if (Array.isArray(message) || Array.isArray(metadata)) return undefined;
  return headOf({
    payloadId: message?.['payload_id'],
    index: message?.['index'],
    blockNumber: metadata?.['block_number'],
    previousId: metadata?.['prev_flashblock_id'],
  });
}

function scannedHead(json: Buffer): FlashblockHead | undefined {
  return headOf(scanFlashblock(json));
}

describe('scanning a message for its head', () => {
  it('finds what JSON.parse finds, in captured, generated and odd messages', () => {
    for (const { name, content } of allSamples()) assert.deepEqual(scannedHead(content), parsedHead(content), name);
  });

  it('decides as JSON.parse does on whatever bytes come', () => {
    let heads = 0;
    fc.assert(
      fc.property(JSON_BYTES, (json) => {
        const expected = parsedHead(json);
        if (expected !== undefined) heads++;
        assert.deepEqual(scannedHead(json), expected);
        assert.deepEqual(readFlashblockHead(json), expected);
      }),
      { numRuns: 2000 },
    );
    assert.ok(heads > 50, `${heads} were flashblocks`);
  });

  it('takes for JSON what JSON.parse takes for it', () => {
    let valid = 0;
    fc.assert(
      fc.property(JSON_BYTES, (bytes) => {
        const json = Buffer.concat([
          Buffer.from('{"payload_id":"x","index":1,"metadata":{"block_number":2},"a":'),
          bytes,
          Buffer.from('}'),
        ]);
        const expected = parsedHead(json);
        if (expected !== undefined) valid++;
        assert.deepEqual(scannedHead(json), expected);
      }),
      { numRuns: 2000 },
    );
    assert.ok(valid > 200, `${valid} were JSON`);
  });

  it('decides alike in every notation of the fields', () => {
    const message = (index: string, block: string, id = '"x"'): Buffer =>
      Buffer.from(
        `{"payload_id":${id},"index":${index},"metadata":{"block_number":${block},"prev_flashblock_id":"\\u0035-2"}}`,
      );
    for (const number of [
      '1e3',
      '1.0',
      '-0',
      '0',
      '100E-2',
      '01',
      '1.',
      '+1',
      '1e400',
      '9007199254740993',
      '""',
      'null',
    ]) {
      assert.deepEqual(scannedHead(message(number, number)), parsedHead(message(number, number)), number);
    }
    for (const id of [
      '"\\u0041"',
      '"😀"',
      '"\\ud83d\\ude00"',
      '"\\ud83d"',
      '"\\/"',
      `"${'\\u0041'.repeat(128)}"`,
      `"${'\\u0041'.repeat(129)}"`,
      '""',
      '7',
    ]) {
      assert.deepEqual(scannedHead(message('1', '2', id)), parsedHead(message('1', '2', id)), id);
    }
    assert.deepEqual(scannedHead(message('1', '2')), {
      position: { blockNumber: 2, index: 1 },
      payloadId: 'x',
      previous: { blockNumber: 5, index: 2 },
    });
  });

  it('takes the last of a name that comes again, however it is written', () => {
    const json = Buffer.from(
      '{"index":7,"__proto__":{"index":9},"metadata":{"block_number":1,"prev_flashblock_id":"1-1"},"ind\\u0065x":1,' +
        '"payload_id":"a","payload\\u005fid":"b","metadata":{"block_number":2,"block_number":3}}',
    );
    assert.deepEqual(scannedHead(json), { position: { blockNumber: 3, index: 1 }, payloadId: 'b' });
    assert.deepEqual(scannedHead(json), parsedHead(json));
  });

  it('reads a flashblock that is crowded with values', () => {
    const json = Buffer.from(`{"payload_id":"x","index":1,"a":${MANY_VALUES},"metadata":{"block_number":2}}`);
    assert.deepEqual(readFlashblockHead(json), { position: { blockNumber: 2, index: 1 }, payloadId: 'x' });
    assert.equal(readFlashblockHead(json.subarray(0, -1)), undefined);
  });

  it('follows nesting of any depth, closed or not', () => {
    const open = '{"a":['.repeat(200_000);
    const close = ']}'.repeat(200_000);
    const json = (inner: string): Buffer =>
      Buffer.from(`{"payload_id":"x","index":1,"metadata":{"block_number":2},"a":${inner}}`);
    assert.ok(readFlashblockHead(json(`${open}1${close}`)));
    assert.equal(readFlashblockHead(json(open)), undefined);
    assert.equal(readFlashblockHead(json(`${open}1${close.replace(']}', '}]')}`)), undefined);
  });
});
