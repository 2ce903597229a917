import assert from 'node:assert/strict';
import { readFaultScript } from '../../../tools/simulate/fault-script.ts';

describe('a fault script', () => {
  it('names rates and a stall', () => {
    assert.deepEqual(readFaultScript('skip=0.01, dup=.5,late=0,rival=1,drop=0.001,stall=5s@1m', 200), {
      faults: { skip: 0.01, duplicate: 0.5, late: 0, rival: 1, dropConnections: 0.001, stallMs: 5000, stallEvery: 300 },
      problems: [],
    });
    assert.deepEqual(readFaultScript('stall=100ms@1ms', 200).faults, { stallMs: 100, stallEvery: 1 });
  });

  for (const [script, problem] of [
    ['', '"": expected skip|dup|late|rival|drop=RATE, stall=TIME@TIME'],
    ['skp=0.1', '"skp=0.1": expected skip|dup|late|rival|drop=RATE, stall=TIME@TIME'],
    ['toString=1', '"toString=1": expected skip|dup|late|rival|drop=RATE, stall=TIME@TIME'],
    ['skip', '"skip": expected skip|dup|late|rival|drop=RATE, stall=TIME@TIME'],
    ['skip=1.5', '"skip=1.5": expected a share from 0 to 1, such as skip=0.01'],
    ['skip=', '"skip=": expected a share from 0 to 1, such as skip=0.01'],
    ['stall=5s', '"stall=5s": expected stall=TIME@TIME, each 1ms to 60m, such as stall=5s@60s'],
    ['stall=5@60', '"stall=5@60": expected stall=TIME@TIME, each 1ms to 60m, such as stall=5s@60s'],
    ['stall=0s@60s', '"stall=0s@60s": expected stall=TIME@TIME, each 1ms to 60m, such as stall=5s@60s'],
    ['stall=61m@1s', '"stall=61m@1s": expected stall=TIME@TIME, each 1ms to 60m, such as stall=5s@60s'],
    ['skip=0.1,skip=0.2', '"skip=0.2": named twice'],
  ] as const)
    it(`is refused: ${script === '' ? 'an empty one' : script}`, () => {
      assert.deepEqual(readFaultScript(script, 182).problems, [problem]);
    });

  it('tells every problem', () => {
    assert.equal(readFaultScript('a=1,skip=2,stall=x', 182).problems.length, 3);
  });
});
