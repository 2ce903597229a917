import { strict as assert } from 'node:assert';
import type { Grant } from '../../../edge/admission/admission.ts';
import { ParametersStep } from '../../../edge/admission/parameters.ts';
import type { Refusal } from '../../../edge/admission/refusal.ts';

const ADDRESS = `0x${'a1'.repeat(20)}`;
const TOPIC = `0x${'b2'.repeat(32)}`;

function read(query: string): { grant: Grant; refusal: Refusal | undefined } {
  const grant: Grant = { address: undefined, encoding: 'identity' };
  const refusal = new ParametersStep({ maxFilterTerms: 3 }).admit(
    { query: new URLSearchParams(query), headers: {} },
    grant,
  );
  return { grant, refusal };
}

describe('query parameters', () => {
  const position = { blockNumber: 7, index: 3 };

  for (const [query, wish] of [
    ['', undefined],
    ['unknown=1&Block_number=x', undefined],
    ['block_number=7&flashblock_index=3', { kind: 'position', after: { position } }],
    ['block_number=007&flashblock_index=3', { kind: 'position', after: { position } }],
    [
      'block_number=9007199254740991&flashblock_index=65535',
      { kind: 'position', after: { position: { blockNumber: Number.MAX_SAFE_INTEGER, index: 65_535 } } },
    ],
    ['block_number=7&flashblock_index=3&payload_id=0xab', { kind: 'position', after: { position, payloadId: '0xab' } }],
    ['block_number=7&flashblock_index=3&snapshot=block', { kind: 'position', after: { position } }],
    ['snapshot=block', { kind: 'snapshot' }],
    ['snapshot=block&payload_id=0xab', { kind: 'snapshot' }],
    ['block_number=7', { kind: 'live' }],
    ['flashblock_index=3', { kind: 'live' }],
    ['payload_id=0xab', undefined],
  ] as const) {
    it(`ask by "${query}" for ${wish?.kind ?? 'nothing'}`, () => {
      const { grant, refusal } = read(query);
      assert.equal(refusal, undefined);
      assert.deepEqual(grant.resume, wish);
    });
  }

  for (const name of ['block_number', 'flashblock_index']) {
    for (const text of ['', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '9007199254740992', '1'.repeat(17), '٣', 'null']) {
      it(`refuse ${name} "${text}" and never say what was sent`, () => {
        const { refusal } = read(
          new URLSearchParams({ block_number: '1', flashblock_index: '1', [name]: text }).toString(),
        );
        assert.equal(refusal?.status, 400);
        assert.match(refusal.message, new RegExp(`^${name}: expected a whole number from 0 to \\d+$`));
      });
    }
  }

  it('refuse an index above the largest', () => {
    assert.equal(read('block_number=1&flashblock_index=65536').refusal?.status, 400);
  });

  it('refuse a half that is no whole number, also where the other half is missing', () => {
    assert.equal(read('block_number=x').refusal?.status, 400);
    assert.equal(read('flashblock_index=x').refusal?.status, 400);
  });

  it('read a filter beside a resume, and none where no term is sent', () => {
    const { grant } = read(`addresses=${ADDRESS},${ADDRESS}&topics=${TOPIC}&match=all&snapshot=block&encoding=br`);
    assert.equal(`0x${grant.filter?.addresses.toString('hex')}`, ADDRESS);
    assert.equal(`0x${grant.filter?.topics.toString('hex')}`, TOPIC);
    assert.equal(grant.filter?.mode, 'all');
    assert.deepEqual([grant.resume?.kind, grant.encoding], ['snapshot', 'br']);
    assert.equal(read('addresses=&match=any').grant.filter, undefined);
  });

  for (const [query, message] of [
    [`addresses=${ADDRESS},0x`, 'addresses: term 2: expected 0x and 40 hex digits'],
    [`topics=${ADDRESS}`, 'topics: term 1: expected 0x and 64 hex digits'],
    [`topics=${`${TOPIC},`.repeat(3)}${TOPIC}`, 'topics: term 4: expected at most 3 addresses and topics'],
    ['match=some', 'match: expected any or all'],
    ['block_number=1&block_number=1&flashblock_index=1', 'block_number: expected once'],
    ['block_number=1&flashblock_index=1&flashblock_index=2', 'flashblock_index: expected once'],
    ['payload_id=a&payload_id=a', 'payload_id: expected once'],
    ['snapshot=block&snapshot=block', 'snapshot: expected once'],
    ['encoding=br&encoding=br', 'encoding: expected once'],
    ['snapshot=all', 'snapshot: expected block'],
    ['snapshot=', 'snapshot: expected block'],
    ['payload_id=', 'payload_id: expected 1 to 128 characters'],
    [`payload_id=${'a'.repeat(129)}`, 'payload_id: expected 1 to 128 characters'],
    ['encoding=gzip', 'encoding: expected br, identity or text'],
  ] as const) {
    it(`refuse with "${message}"`, () => {
      assert.deepEqual(read(query).refusal, { status: 400, message, result: 'bad_request' });
    });
  }
});
