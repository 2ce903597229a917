import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Counter, Registry } from 'prom-client';
import {
  type Check,
  type Operations,
  type OperationsDependencies,
  MAX_CONNECTIONS,
  createOperations,
} from '../../../shared/operations/operations.ts';
import { RawPeer } from '../../edge/raw-peer.ts';
import { Changes } from '../../support/changes.ts';
import { usesResources } from '../../support/use.ts';

const METRICS_ADDR = { host: '127.0.0.1', port: 0 };

describe('operations server', () => {
  const use = usesResources();
  const errors: object[] = [];

  async function start(
    dependencies: Partial<OperationsDependencies> = {},
  ): Promise<{ operations: Operations; url: string }> {
    errors.length = 0;
    const operations = createOperations(
      { metricsAddr: METRICS_ADDR },
      {
        checks: () => [],
        status: () => ({}),
        log: { error: (object: object) => errors.push(object) },
        ...dependencies,
      },
    );
    await operations.start();
    use({ [Symbol.asyncDispose]: () => operations.stop() });
    return { operations, url: `http://127.0.0.1:${operations.address().port}` };
  }

  async function get(url: string, init: RequestInit = {}) {
    const response = await fetch(url, { ...init, headers: { connection: 'close' } });
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      headers: response.headers,
      body: await response.text(),
    };
  }

  it('shows the registry as Prometheus text', async () => {
    const registry = new Registry();
    new Counter({ name: 'things_total', help: 'Things', registers: [registry] }).inc(3);
    const { url } = await start({ registry });
    const answer = await get(`${url}/metrics?x=1`);
    assert.equal(answer.status, 200);
    assert.equal(answer.type, registry.contentType);
    assert.match(answer.body, /^things_total 3$/m);
  });

  it('has no metrics without a registry', async () => {
    const { url } = await start();
    assert.equal((await get(`${url}/metrics`)).status, 404);
  });

  it('is live while it answers', async () => {
    const { url } = await start({ checks: () => [{ name: 'broken', ok: false }] });
    assert.equal((await get(`${url}/livez`)).status, 200);
  });

  it('is ready while every check holds that counts, and shows them all', async () => {
    const checks: Check[] = [
      { name: 'one', ok: true, detail: 'fine' },
      { name: 'shown', ok: false, informative: true },
    ];
    const { url } = await start({ checks: () => checks });
    const ready = await get(`${url}/readyz`);
    assert.deepEqual([ready.status, ready.type], [200, 'application/json']);
    assert.deepEqual(JSON.parse(ready.body), { ready: true, checks });

    checks.push({ name: 'two', ok: false, detail: 'away' });
    const unready = await get(`${url}/readyz`);
    assert.equal(unready.status, 503);
    assert.deepEqual(JSON.parse(unready.body), { ready: false, checks });
  });

  it('shows the figures of the process', async () => {
    const { url } = await start({ status: () => ({ clients: 7 }), checks: () => [{ name: 'one', ok: false }] });
    const answer = await get(`${url}/status.json`);
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body), { ready: false, checks: [{ name: 'one', ok: false }], clients: 7 });
  });

  it('knows nothing else, and takes GET and HEAD only', async () => {
    const { url } = await start();
    for (const path of ['/', '/status', '/readyz/', '/debug', '/healthz']) {
      const answer = await get(`${url}${path}`);
      assert.deepEqual([answer.status, answer.body], [404, '{"message":"Not found"}\n'], path);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await get(`${url}/readyz`, { method });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], method);
    }
    const head = await get(`${url}/livez`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.body, head.headers.get('content-length')], [200, '', '3']);
  });

  it('answers 500 and logs when a part fails, and goes on', async () => {
    const { url } = await start({
      status: () => {
        throw new Error('bug');
      },
    });
    assert.equal((await get(`${url}/status.json`)).status, 500);
    assert.equal(errors.length, 1);
    assert.equal((await get(`${url}/livez`)).status, 200);
  });

  it('ends a connection that asks again before it has its answer', async () => {
    let asked = 0;
    const { operations } = await start({
      status: () => {
        asked += 1;
        return {};
      },
    });
    const peer = use(new RawPeer(operations.address().port));
    peer.socket.write('GET /status.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
    await peer.end();
    assert.equal(asked, 1);
  });

  it('ends a connection that does not take its answer', async () => {
    const changes = new Changes();
    let ended = false;
    const open = (response: ServerResponse): void => {
      response.on('close', () => {
        ended = true;
        changes.notify();
      });
      response.write(Buffer.alloc(33_554_432));
    };
    const routes = new Map([['/status/large', () => ({ type: 'text/plain', headers: {}, open })]]);
    const { operations, url } = await start({ page: { routes }, unreadMs: 200 });
    const peer = use(new RawPeer(operations.address().port));
    peer.socket.pause().write('GET /status/large HTTP/1.1\r\nHost: x\r\n\r\n');
    await changes.until(() => ended, 'the end of the answer');
    assert.equal((await get(`${url}/livez`)).status, 200);
  });

  it('gives the place of the oldest connection to one that is too many', async () => {
    const { operations, url } = await start();
    const peers: RawPeer[] = [];
    while (peers.length < MAX_CONNECTIONS) {
      const peer = use(new RawPeer(operations.address().port));
      await once(peer.socket, 'connect');
      peers.push(peer);
    }
    assert.equal((await get(`${url}/livez`)).status, 200);
    await peers[0]?.end();
    assert.deepEqual(
      peers.flatMap(({ closed }, number) => (closed ? [number] : [])),
      [0],
    );
  });

  it('lets no browser guess what an answer is', async () => {
    const { url } = await start();
    for (const path of ['/livez', '/readyz', '/status.json', '/elsewhere'])
      assert.equal((await get(`${url}${path}`)).headers.get('x-content-type-options'), 'nosniff', path);
  });

  it('bounds the head of a request', async () => {
    const { operations } = await start();
    const peer = use(new RawPeer(operations.address().port));
    peer.socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}`);
    await peer.end();
    assert.match(peer.text, /^HTTP\/1.1 431 /);
  });

  it('stops with connections open, idempotently and also while it starts', async () => {
    const { operations } = await start();
    const peer = use(new RawPeer(operations.address().port));
    peer.socket.write('GET /li');
    await Promise.all([operations.stop(), operations.stop()]);
    await peer.end();

    const other = createOperations(
      { metricsAddr: METRICS_ADDR },
      { checks: () => [], status: () => ({}), log: { error: () => undefined } },
    );
    const starting = other.start();
    await Promise.all([other.stop(), starting]);
    await other.start();
  });

  it('cannot start on a port that is taken', async () => {
    const { operations } = await start();
    const second = createOperations(
      { metricsAddr: { host: '127.0.0.1', port: operations.address().port } },
      { checks: () => [], status: () => ({}), log: { error: () => undefined } },
    );
    await assert.rejects(second.start(), { code: 'EADDRINUSE' });
    await second.stop();
  });
});
