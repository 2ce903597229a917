import { strict as assert } from 'node:assert';
import { StallDetector } from '../../shared/stall-detector.ts';

describe('stall detector', () => {
  let now = 0;
  let detector: StallDetector;
  beforeEach(() => {
    now = 0;
    detector = new StallDetector(() => now);
    detector.start();
  });
  afterEach(() => detector.stop());

  it('sees no stall while the clock is looked at in time', () => {
    for (now = 100; now < 3000; now += 900) assert.equal(detector.check(), false);
  });

  it('knows for a second after a stall that it ended just now', () => {
    now = 1200;
    assert.equal(detector.check(), true);
    now = 2100;
    assert.equal(detector.check(), true);
    now = 2300;
    assert.equal(detector.check(), false);
  });

  it('tells its listeners after the sockets had a turn, once for a stall', async () => {
    let told = 0;
    const heard = new Promise<number>((resolve) =>
      detector.onStall((at) => {
        told += 1;
        resolve(at);
      }),
    );
    now = 5000;
    detector.check();
    detector.check();
    assert.equal(told, 0);
    assert.equal(await heard, 5000);
    assert.equal(told, 1);
  });

  it('forgets a listener that left', async () => {
    const forget = detector.onStall(() => assert.fail('called'));
    forget();
    now = 5000;
    detector.check();
    await new Promise((resolve) => setImmediate(resolve));
  });
});
