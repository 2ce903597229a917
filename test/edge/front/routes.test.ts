import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { routeOf } from '../../../edge/front/routes.ts';

/** The route's name, with its key where it has one. */
function routed(target: string, method = 'GET'): string {
  const route = routeOf(method, target);
  return route.name === 'stream' && route.key !== undefined ? `key ${route.key}` : route.name;
}

describe('routes', () => {
  for (const [target, expected] of [
    ['/ws', 'stream'],
    ['/ws/filter', 'stream'],
    ['/ws/abc', 'key abc'],
    ['/ws/abc/filter', 'key abc'],
    ['/ws/filter/filter', 'key filter'],
    ['/ws/%66ilter', 'key filter'],
    ['/ws/a%2Fb', 'key a/b'],
    ['/ws/a%20b%C3%A4?x=1', 'key a bä'],
    ['/ws/100%', 'key 100%'],
    ['/ws/%ff', 'key %ff'],
    ['/ws/..', 'key ..'],
    ['/ws/__proto__', 'key __proto__'],
    ['http://edge:8545/ws/abc?x=1', 'key abc'],
    ['/healthz', 'health'],
    ['/healthz?deep=1', 'health'],
    ['/ws/', 'unknown'],
    ['//ws', 'unknown'],
    ['/ws//', 'unknown'],
    ['/ws//filter', 'unknown'],
    ['/ws/abc/', 'unknown'],
    ['/ws/filter/', 'unknown'],
    ['/ws/abc/other', 'unknown'],
    ['/ws/abc/filter/', 'unknown'],
    ['/ws/a/b/filter', 'unknown'],
    ['/ws/../healthz', 'unknown'],
    ['/WS', 'unknown'],
    ['/wsx', 'unknown'],
    ['ws', 'unknown'],
    ['*', 'unknown'],
    ['', 'unknown'],
    ['ftp://edge/ws', 'unknown'],
  ] as const) {
    it(`takes ${target === '' ? 'an empty target' : target} as ${expected}`, () => {
      assert.equal(routed(target), expected);
    });
  }

  it('are asked for by GET and HEAD only', () => {
    assert.equal(routed('/ws', 'HEAD'), 'stream');
    for (const method of ['POST', 'OPTIONS', 'CONNECT', 'get', 'PUT']) assert.equal(routed('/ws', method), 'unknown');
    assert.equal(routeOf(undefined, '/ws').name, 'unknown');
    assert.equal(routeOf('GET', undefined).name, 'unknown');
  });

  it('give a key back as it was encoded, whatever it is, unless it is the filter route', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.constantFrom('', '/filter'), (key, suffix) => {
        fc.pre(key !== 'filter' || suffix !== '');
        assert.equal(routed(`/ws/${encodeURIComponent(key)}${suffix}`), `key ${key}`);
      }),
    );
  });

  it('never throw for any target', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (rest) => {
        routeOf('GET', rest);
        routeOf('GET', `/ws/${rest}`);
      }),
    );
  });

  it('read a query of hostile names as any other', () => {
    const route = routeOf('GET', '/ws?__proto__=1&constructor=2&encoding=text');
    assert.equal(route.name, 'stream');
    assert.equal(route.query.get('encoding'), 'text');
  });
});
