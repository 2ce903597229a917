import assert from 'node:assert/strict';
import { describeFlags, parseFlags } from '../../tools/flags.ts';

const FLAGS = {
  stallMs: { kind: 'number', min: 0, max: 100, initial: 5, help: 'silence' },
  count: { kind: 'number', min: 1, max: 9, help: 'how many' },
  skip: { kind: 'rate', initial: 0, help: 'share' },
  frame: { kind: 'choice', choices: ['text', 'binary'], initial: 'text', help: 'frames' },
  listen: { kind: 'text', initial: 'here', help: 'where' },
  json: { kind: 'switch', help: 'as JSON' },
  tag: { kind: 'list', pattern: /^[a-z]+$/, expected: 'small letters', max: 3, help: 'tags' },
} as const;

describe('parseFlags', () => {
  it('gives the initial values where no flag is given', () => {
    const { values, positionals, problems, help } = parseFlags([], FLAGS);
    assert.deepEqual(values, {
      stallMs: 5,
      count: undefined,
      skip: 0,
      frame: 'text',
      listen: 'here',
      json: false,
      tag: [],
    });
    assert.deepEqual([positionals, problems, help], [[], [], false]);
  });

  it('reads values after a space and after an equals sign, and what stands alone', () => {
    const { values, positionals, problems } = parseFlags(
      ['--stall-ms', '7', 'URL', '--skip=.25', '--frame=binary', '--json', '--count=3', '--listen', 'there'],
      FLAGS,
    );
    assert.deepEqual(values, {
      stallMs: 7,
      count: 3,
      skip: 0.25,
      frame: 'binary',
      listen: 'there',
      json: true,
      tag: [],
    });
    assert.deepEqual([positionals, problems], [['URL'], []]);
  });

  it('takes the last of a repeated flag', () => {
    assert.equal(parseFlags(['--count', '2', '--count', '3'], FLAGS).values.count, 3);
  });

  it('keeps all of a list, in their order, up to its bound', () => {
    assert.deepEqual(parseFlags(['--tag', 'b', '--tag=a', '--tag', 'b'], FLAGS).values.tag, ['b', 'a', 'b']);
    const { values, problems } = parseFlags(
      ['a', 'b', 'c', 'd', 'e'].flatMap((tag) => ['--tag', tag]),
      FLAGS,
    );
    assert.deepEqual([values.tag, problems], [['a', 'b', 'c'], ['--tag: expected at most 3 times']]);
    assert.deepEqual(parseFlags(['--tag', '1'], FLAGS).problems, ['--tag: expected small letters, received "1"']);
  });

  it('lists every problem at once, with the value received and what was expected', () => {
    const { problems } = parseFlags(
      ['--stall-ms', '1e1', '--count=0', '--skip', '1.5', '--frame', 'x', '--json=1', '--listen'],
      FLAGS,
    );
    assert.deepEqual(problems, [
      '--stall-ms: expected a whole number from 0 to 100, received "1e1"',
      '--count: expected a whole number from 1 to 9, received "0"',
      '--skip: expected a share from 0 to 1, received "1.5"',
      '--frame: expected one of text, binary, received "x"',
      '--json: expected no value, received "1"',
      '--listen: expected a value, received nothing',
    ]);
  });

  it('names the nearest flag for a slip and for a beginning, and none where nothing is near', () => {
    const { problems } = parseFlags(['--skp', '1', '--stall', '1', '--zzzzzzzz'], FLAGS);
    assert.deepEqual(problems, [
      '--skp: unknown flag; did you mean --skip?',
      '--stall: unknown flag; did you mean --stall-ms?',
      '--zzzzzzzz: unknown flag',
    ]);
  });

  it('sees --help and -h', () => {
    assert.equal(parseFlags(['--help'], FLAGS).help, true);
    assert.equal(parseFlags(['-h'], FLAGS).help, true);
  });
});

describe('describeFlags', () => {
  it('prints a line for every flag with what it takes and its default', () => {
    assert.equal(
      describeFlags(FLAGS),
      [
        '  --stall-ms N         silence (default 5)',
        '  --count N            how many',
        '  --skip RATE          share (default 0)',
        '  --frame text|binary  frames (default text)',
        '  --listen VALUE       where (default here)',
        '  --json               as JSON',
        '  --tag VALUE          tags',
      ].join('\n'),
    );
  });
});
