import assert from 'node:assert/strict';
import { namesAnotherServer, Reconnects } from '../../../../shared/backplane/redis/reconnects.ts';

const answer = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const delays = (reconnects: Reconnects) => Array.from({ length: 20 }, (_, at) => reconnects.delayMs(at + 1));
const renewals = (reconnects: Reconnects, count: number) =>
  Array.from({ length: count }, () => reconnects.nextRenewalMs());

describe('the pace of reconnects', () => {
  it('grows to half a second while the server cannot be reached', () => {
    const reconnects = new Reconnects('standalone');
    reconnects.failed(new Error('ECONNREFUSED'));
    const all = delays(reconnects);
    assert.ok(all.every((delay) => delay >= 25 && delay <= 500));
    assert.ok((all[0] ?? 0) <= 50);
    assert.ok((all[19] ?? 0) >= 250);
  });

  it('grows to seconds while the server refuses, until it works or fails otherwise', () => {
    const reconnects = new Reconnects('standalone');
    for (const end of [() => reconnects.worked(), () => reconnects.failed(new Error('ECONNREFUSED'))]) {
      reconnects.failed(answer('WRONGPASS invalid username-password pair'));
      assert.ok(delays(reconnects).every((delay) => delay <= 5000));
      assert.ok(reconnects.delayMs(20) >= 2500);
      end();
      assert.ok(reconnects.delayMs(20) <= 500);
    }
  });

  for (const mode of ['sentinel', 'cluster'] as const) {
    it(`never grows beyond half a second in the mode ${mode}, where a failover repairs a refusal`, () => {
      const reconnects = new Reconnects(mode);
      reconnects.failed(answer('NOAUTH'));
      assert.ok(delays(reconnects).every((delay) => delay <= 500));
      assert.deepEqual(renewals(reconnects, 4), [0, 500, 500, 500]);
    });
  }

  it('visits a server that takes no writes at once, then ever less often, and anew once it worked', () => {
    const reconnects = new Reconnects('standalone');
    assert.deepEqual(renewals(reconnects, 7), [0, 500, 1000, 2000, 4000, 5000, 5000]);
    reconnects.worked();
    assert.deepEqual(renewals(reconnects, 2), [0, 500]);
  });

  it('knows which answers another server may give otherwise', () => {
    for (const message of ["READONLY You can't write against a read only replica.", 'MOVED 1 host:1', 'CLUSTERDOWN'])
      assert.ok(namesAnotherServer(answer(message)));
    for (const error of [answer('NOPERM'), answer('OOM'), new Error('READONLY'), undefined])
      assert.ok(!namesAnotherServer(error));
  });
});
