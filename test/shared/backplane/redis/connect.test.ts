import assert from 'node:assert/strict';
import { readTarget } from '../../../../shared/backplane/redis/connect.ts';
import { streamKeys } from '../../../../shared/backplane/redis/keys.ts';

describe('where Redis is', () => {
  it('is what the URL says', () => {
    assert.equal(readTarget({ redisUrl: 'rediss://user:pass@redis:6380/2' }).mode, 'standalone');
    assert.equal(readTarget({ redisUrl: 'redis+sentinel://a,b/main' }).mode, 'sentinel');
    assert.equal(readTarget({ redisUrl: 'redis+cluster://a,b', redisMode: 'cluster' }).mode, 'cluster');
  });

  it('is a Cluster where REDIS_MODE makes one of a plain URL', () => {
    const target = readTarget({ redisUrl: 'redis://a:1,b:2', redisMode: 'cluster' });
    assert.equal(target.mode, 'cluster');
    assert.deepEqual(target.nodes, [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]);
  });

  it('is never told by an error', () => {
    const wrong = [
      { redisUrl: 'http://user:secret@host' },
      { redisUrl: 'redis://user:secret@host', redisMode: 'sentinel' as const },
      { redisUrl: 'redis+sentinel://user:secret@host/main', redisMode: 'cluster' as const },
    ];
    for (const options of wrong) {
      assert.throws(
        () => readTarget(options),
        (error) => error instanceof TypeError && !/secret|host/.test(error.message),
      );
    }
  });

  it('holds all keys of the stream in one slot', () => {
    assert.deepEqual(streamKeys('flashblocks'), {
      state: 'flashblocks:{flashblocks:stream}:state',
      history: 'flashblocks:{flashblocks:stream}:history',
      channel: 'flashblocks:{flashblocks:stream}:channel',
      absent: 'flashblocks:{flashblocks:stream}:absent',
    });
  });
});
