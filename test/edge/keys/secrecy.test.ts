import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { FailedKeys } from '../../../edge/keys/failed-keys.ts';
import { KeyStep } from '../../../edge/keys/key-step.ts';
import { usesResources } from '../../support/use.ts';
import { digestHex, lineOf } from './records.ts';
import { START, StoreHarness } from './store-harness.ts';

/** Every key that occurs, by what all of them have in common. */
const SECRET = 'S3cretKey';
const KEYS = Array.from({ length: 12 }, (_, n) => `${SECRET}-${n}-0123456789`);

function assertNothingOf(text: string, where: string): void {
  assert.ok(!text.includes(SECRET), `a key in ${where}`);
  for (const key of KEYS) {
    const digest = digestHex(key);
    assert.ok(!text.toLowerCase().includes(digest.slice(0, 12)), `a hash in ${where}`);
    assert.ok(!text.includes(Buffer.from(digest, 'hex').toString('base64').slice(0, 12)), `a hash in ${where}`);
  }
}

describe('no key and no hash of one', () => {
  const use = usesResources();
  const key = (n: number): string => KEYS[n] ?? '';

  it('gets into the log, the metrics, the status, an answer or a grant, whatever happens to the keys', async () => {
    const good = [lineOf('a', key(1)), lineOf('b', key(2), { limit: 5, expiresAt: START + 1000 })];
    const harness = use(await StoreHarness.make(good, { apiKeys: [`c:${key(3)}:5`, `d:short`] }));
    const { store } = harness;
    store.start();
    const step = new KeyStep(
      { publicAccessEnabled: false, ipv6Prefix: 64 },
      { keys: store, failures: new FailedKeys(), unauthorizedRequests: { inc: () => undefined } },
    );
    const outcomes: unknown[] = [];
    const present = (presented: string): void => {
      for (const [path, headers] of [
        [presented, {}],
        [undefined, { authorization: `Bearer ${presented}` }],
        [undefined, { 'x-api-key': presented }],
        [undefined, { 'x-api-key': presented, authorization: `Bearer ${presented}x` }],
      ] as const) {
        const grant = { address: '192.0.2.1', encoding: 'br' } as const;
        outcomes.push(step.admit({ key: path, headers, query: new URLSearchParams() }, { ...grant }), grant);
      }
    };
    KEYS.forEach(present);
    for (const broken of [
      [key(1)],
      [`a ${key(1)}`],
      [`${key(1)} sha256:${digestHex(key(1))} ${key(2)}`],
      [`${key(1)}:x sha256:${digestHex(key(1))}`],
      [`a sha256:${digestHex(key(1))} limit=${key(1)}`],
      [`a sha256:${digestHex(key(1))} expires=${key(1)}`],
      [good[0] ?? '', good[0] ?? ''],
      [lineOf('x', key(3))],
      [lineOf('c', key(4), { limit: 6 })],
    ]) {
      await harness.replace(...broken);
      await harness.settle();
      await store.reload();
    }
    assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 18);
    harness.now = START + 1000;
    await store.look();
    await harness.replace('# nobody');
    await harness.settle();
    assert.equal(harness.lapses.length, 2);
    KEYS.forEach(present);

    assert.ok(harness.log.length > 20);
    assertNothingOf(JSON.stringify(harness.log), 'the log');
    assertNothingOf(await harness.registry.metrics(), 'the metrics');
    assertNothingOf(inspect(store.status()), 'the status');
    assertNothingOf(inspect(harness.lapses), 'the names');
    assertNothingOf(inspect(outcomes, { depth: 9 }), 'answers and grants');
    // What a crash would print of them.
    for (const holder of [store, step]) assertNothingOf(inspect(holder, { depth: 9, showHidden: true }), 'a dump');
  });

  it('gets into the error that ends the start', async () => {
    for (const [lines, apiKeys] of [
      [[`a ${key(1)}`], []],
      [[lineOf('a', key(1)), lineOf('b', key(1))], []],
      [[lineOf('a', key(1))], [`b:${key(1)}`]],
      [[lineOf('a', key(1))], [`b:${key(2)}`, `c:${key(2)}`]],
      [[lineOf('a', key(1))], [`b:${key(2)}:0`]],
    ] as const) {
      await assert.rejects(StoreHarness.make(lines, { apiKeys }), (error: unknown) => {
        assertNothingOf(inspect(error, { depth: 9, showHidden: true }), 'the error');
        return true;
      });
    }
  });
});
