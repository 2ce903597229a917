import assert from 'node:assert/strict';
import { Bench, frame, other, standing } from './support.ts';

describe('rule 1: repeats', () => {
  it('drops a message whose content was accepted before, from whatever upstream', () => {
    const bench = standing();
    assert.deepEqual(bench.receive(frame(100, 2, { upstream: 1 }), frame(100, 1)), [
      '100-2 duplicate',
      '100-1 duplicate',
    ]);
  });

  it('remembers the contents of 64 messages', () => {
    const bench = new Bench({ dedupe: 'content' });
    const messages = Array.from({ length: 65 }, (_, index) => frame(100, index));
    bench.receive(...messages.slice(0, 64));
    assert.deepEqual(bench.receive(messages[0]!), ['100-0 duplicate']);
    bench.receive(messages[64]!);
    assert.deepEqual(bench.receive(messages[0]!, messages[2]!), ['100-0', '100-2 duplicate']);
    assert.equal(bench.sequencer.recentContents(0).length, 64);
  });

  it('lets what is not a flashblock recur after 2 s, as a heartbeat does', () => {
    const bench = standing();
    assert.deepEqual(bench.receive(other('{"beat":1}')), ['{"beat":1}']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2000 })), ['{"beat":1} duplicate']);
    bench.pass(1);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2001 })), ['{"beat":1}']);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2001 })), ['{"beat":1} duplicate']);
  });

  it('knows a flashblock as a repeat after any time', () => {
    const bench = standing();
    bench.pass(60_000);
    assert.deepEqual(bench.receive(frame(100, 2)), ['100-2 duplicate']);
  });

  it('tells the ages of the window, newest last', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0));
    bench.now = 300;
    bench.receive(other('beat'));
    assert.deepEqual(
      bench.sequencer.recentContents(500).map(({ ageMs, flashblock }) => ({ ageMs, flashblock })),
      [
        { ageMs: 500, flashblock: true },
        { ageMs: 200, flashblock: false },
      ],
    );
  });
});

describe('rule 5: what is not a flashblock', () => {
  it('passes it on in order of arrival', () => {
    assert.deepEqual(standing().receive(other('x'), frame(100, 3), other('y')), ['x', '100-3', 'y']);
  });

  it('publishes one that waited for long while nothing was learnt of other ingests', () => {
    const bench = standing();
    bench.pass(1500);
    assert.deepEqual(bench.receive(other('x', { readAt: 0 })), ['x']);
  });
});

describe('DEDUPE', () => {
  it('content: drops identical bytes and nothing else', () => {
    const bench = new Bench({ dedupe: 'content' });
    const odd = [frame(100, 5), frame(99, 0), frame(100, 0, { payload: 'b' }), frame(9e15, 0), other('x')];
    assert.deepEqual(bench.receive(...odd), ['100-5', '99-0', '100-0/b', '9000000000000000-0', 'x']);
    assert.deepEqual(
      bench.receive(...odd).map((words) => words.split(' ')[1]),
      Array(5).fill('duplicate'),
    );
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('content: takes no block over', () => {
    const bench = new Bench({ dedupe: 'content' });
    bench.receive(frame(99, 4), frame(100, 0, { payload: 'b' }), frame(100, 0));
    for (let count = 0; count < 64; count += 1) bench.receive(other(String(count)));
    assert.deepEqual(bench.pass(5000), []);
  });

  it('off: passes everything on', () => {
    const bench = new Bench({ dedupe: 'off' });
    assert.deepEqual(bench.receive(frame(100, 5), frame(100, 5), other('x'), other('x'), frame(3, 0)), [
      '100-5',
      '100-5',
      'x',
      'x',
      '3-0',
    ]);
  });
});
