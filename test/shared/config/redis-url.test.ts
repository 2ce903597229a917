import { strict as assert } from 'node:assert';
import { parseRedisUrl, redisUrl } from '../../../shared/config/formats/redis-url.ts';

const REFUSED = [
  '',
  'redis',
  'redis:',
  'redis://',
  'http://h',
  'redis+other://h',
  'redis://h:0',
  'redis://h:65536',
  'redis://h/x',
  'redis://h/-1',
  'redis://h/1/2',
  'redis://h?tls=1',
  'redis://h#x',
  'redis://a b',
  'redis://u:%zz@h',
  'redis://u:p@w@h',
  'redis://u:p/w@h',
  'redis://[::1',
  'redis://::1',
  'redis://300.1.1.1',
  'redis://h1,,h2',
  'redis+sentinel://h1',
  'redis+sentinel://h1/',
  'redis+sentinel://h1/na me',
  'redis+sentinel://h1/name/x',
  'redis+sentinel://h1/name?',
  'redis+sentinel://h1/name?sentinel_password=',
  'redis+sentinel://h1/name?sentinel_password=%zz',
  'redis+sentinel://h1/name?sentinel_password=a&sentinel_password=b',
  'redis+sentinel://h1/name?sentinel_username=a',
  'redis+sentinel://h1/name?sentinel_password=a&tls=1',
  'redis+cluster://h1/1',
  'redis+cluster://h1?sentinel_password=a',
];

describe('a Redis URL', () => {
  it('names one server, with credentials, database and TLS', () => {
    assert.deepEqual(parseRedisUrl('redis://localhost'), {
      mode: 'standalone',
      tls: false,
      nodes: [{ host: 'localhost', port: 6379 }],
      database: 0,
    });
    assert.deepEqual(parseRedisUrl('rediss://app:p%40ss%3Aw@redis_1:7000/3'), {
      mode: 'standalone',
      tls: true,
      nodes: [{ host: 'redis_1', port: 7000 }],
      username: 'app',
      password: 'p@ss:w',
      database: 3,
    });
    assert.deepEqual(parseRedisUrl('redis://:secret@[::1]:6380/'), {
      mode: 'standalone',
      tls: false,
      nodes: [{ host: '::1', port: 6380 }],
      password: 'secret',
      database: 0,
    });
  });

  it('names Sentinels and what they watch', () => {
    assert.deepEqual(parseRedisUrl('redis+sentinel://:pw@s1,s2:26380,10.0.0.1/main.primary/2'), {
      mode: 'sentinel',
      tls: false,
      nodes: [
        { host: 's1', port: 26379 },
        { host: 's2', port: 26380 },
        { host: '10.0.0.1', port: 26379 },
      ],
      password: 'pw',
      database: 2,
      primaryName: 'main.primary',
    });
  });

  it('names what Sentinels ask for themselves', () => {
    const read = (query: string) => {
      const { password, sentinelUsername, sentinelPassword } = parseRedisUrl(`redis+sentinel://:pw@s/main?${query}`)!;
      return [password, sentinelUsername, sentinelPassword];
    };
    assert.deepEqual(read('sentinel_password=p%26+w='), ['pw', undefined, 'p&+w=']);
    assert.deepEqual(read('sentinel_password=p&sentinel_username=%75'), ['pw', 'u', 'p']);
  });

  it('names nodes of a cluster', () => {
    assert.deepEqual(parseRedisUrl('rediss+cluster://n1,n2:7001'), {
      mode: 'cluster',
      tls: true,
      nodes: [
        { host: 'n1', port: 6379 },
        { host: 'n2', port: 7001 },
      ],
      database: 0,
    });
  });

  it('is refused when it is anything else', () => {
    for (const text of REFUSED) assert.equal(parseRedisUrl(text), undefined, text);
  });

  it('is bounded in its nodes', () => {
    const nodes = (count: number): string => Array.from({ length: count }, (_, n) => `h${n}`).join(',');
    assert.equal(parseRedisUrl(`redis+cluster://${nodes(32)}`)?.nodes.length, 32);
    assert.equal(parseRedisUrl(`redis+cluster://${nodes(33)}`), undefined);
  });

  it('stays a text as a setting', () => {
    assert.deepEqual(redisUrl.parse('redis://h'), { ok: true, value: 'redis://h' });
    assert.equal(redisUrl.parse(['redis://h']).ok, false);
  });
});
