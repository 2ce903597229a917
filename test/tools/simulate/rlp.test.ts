import assert from 'node:assert/strict';
import { encodeRlp, rlpNumber, type RlpItem } from '../../../tools/simulate/rlp.ts';

const text = (value: string): string => Buffer.from(value).toString('hex');

describe('encodeRlp', () => {
  // The examples of Ethereum's own description of RLP.
  const examples: [string, RlpItem, string][] = [
    ['the string "dog"', text('dog'), `83${text('dog')}`],
    ['the list of "cat" and "dog"', [text('cat'), text('dog')], `c883${text('cat')}83${text('dog')}`],
    ['the empty string', '', '80'],
    ['the empty list', [], 'c0'],
    ['the byte 0', '00', '00'],
    ['the byte 15', '0f', '0f'],
    ['the byte 128', '80', '8180'],
    ['the number 1024', rlpNumber(1024), '820400'],
    ['the number 0', rlpNumber(0), '80'],
    ['nested lists', [[], [[]], [[], [[]]]], 'c7c0c1c0c3c0c1c0'],
    [
      'a string of 56 bytes',
      text('Lorem ipsum dolor sit amet, consectetur adipisicing elit'),
      `b838${text('Lorem ipsum dolor sit amet, consectetur adipisicing elit')}`,
    ],
    ['a string of 1024 bytes', '61'.repeat(1024), `b90400${'61'.repeat(1024)}`],
    ['a list of 60 bytes', Array<string>(60).fill('01'), `f83c${'01'.repeat(60)}`],
  ];
  for (const [name, item, expected] of examples) {
    it(`encodes ${name}`, () => {
      assert.equal(encodeRlp(item), expected);
    });
  }
});
