import assert from 'node:assert/strict';
import { UnfitServerError } from '../../../../shared/backplane/redis/errors.ts';
import { checkServer, isLoading } from '../../../../shared/backplane/redis/server-check.ts';

const info = (fields: Record<string, string>) =>
  ['# Server', ...Object.entries(fields).map(([name, value]) => `${name}:${value}`), ''].join('\r\n');
const good = { redis_version: '7.2.4', cluster_enabled: '0', maxmemory_policy: 'noeviction', loading: '0' };

describe('the check of a server', () => {
  for (const redis_version of ['6.2.0', '6.10.1', '7.0.15', '8.2.1', '10.0.0']) {
    it(`takes Redis ${redis_version}`, () => {
      assert.deepEqual(checkServer(info({ ...good, redis_version }), 'standalone'), []);
      assert.deepEqual(checkServer(info({ ...good, redis_version }), 'sentinel'), []);
    });
  }

  for (const redis_version of ['6.0.16', '5.0.7', '2.8', '', 'unknown']) {
    it(`refuses Redis '${redis_version}'`, () => {
      assert.throws(() => checkServer(info({ ...good, redis_version }), 'standalone'), UnfitServerError);
    });
  }

  it('needs 7.0 for a Cluster', () => {
    const cluster = { ...good, cluster_enabled: '1' };
    assert.throws(() => checkServer(info({ ...cluster, redis_version: '6.2.14' }), 'cluster'), /needs 7\.0/);
    assert.deepEqual(checkServer(info({ ...cluster, redis_version: '7.0.0' }), 'cluster'), []);
  });

  it('refuses a mode that the server is not in, and says which setting to change', () => {
    assert.throws(
      () => checkServer(info({ ...good, cluster_enabled: '1' }), 'standalone'),
      /set REDIS_MODE to cluster/,
    );
    assert.throws(() => checkServer(info(good), 'cluster'), /set REDIS_MODE to standalone/);
  });

  it('warns of a policy under which the stream could be evicted', () => {
    assert.match(checkServer(info({ ...good, maxmemory_policy: 'allkeys-lru' }), 'standalone').join(), /allkeys-lru/);
  });

  it('tells a server that loads its data', () => {
    assert.equal(isLoading(info(good)), false);
    assert.equal(isLoading(info({ ...good, loading: '1' })), true);
  });
});
