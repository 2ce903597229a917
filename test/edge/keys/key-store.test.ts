import { strict as assert } from 'node:assert';
import promises, { appendFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createKeyStore } from '../../../edge/keys/key-store.ts';
import { SettingsError } from '../../../shared/config/settings-error.ts';
import { createKeyMetrics } from '../../../shared/metrics/key-metrics.ts';
import { Changes } from '../../support/changes.ts';
import { usesResources } from '../../support/use.ts';
import { lineOf } from './records.ts';
import { replaceOpen } from './replaced-open.ts';
import { START, StoreHarness } from './store-harness.ts';

const REFUSED = 'API_KEYS_FILE refused, the keys from before stay in force';
const LOADED = 'API keys loaded';

describe('the key store', () => {
  const use = usesResources();
  const make = async (...parameters: Parameters<typeof StoreHarness.make>): Promise<StoreHarness> =>
    use(await StoreHarness.make(...parameters));
  const k1 = lineOf('a', 'k1');
  const k2 = lineOf('b', 'k2', { limit: 5 });

  describe('at the start', () => {
    it('is none where no keys are set', () => {
      const deps = { metrics: createKeyMetrics(new Registry()), log: pino({ level: 'silent' }) };
      assert.equal(createKeyStore({}, deps), undefined);
      assert.equal(createKeyStore({ apiKeys: [], apiKeysFile: undefined }, deps), undefined);
    });

    it('knows the keys of the setting and of the file', async () => {
      const { store, ...harness } = await make([k1, k2], { apiKeys: ['c:k3:7'] });
      assert.deepEqual(store.find('k1'), { keyId: 'key-1', application: 'a', applicationLimit: undefined });
      assert.deepEqual(store.find(Buffer.from('k2')), { keyId: 'key-2', application: 'b', applicationLimit: 5 });
      assert.deepEqual(store.find('k3'), { keyId: 'key-3', application: 'c', applicationLimit: 7 });
      assert.deepEqual(store.find('k1')?.keyId, 'key-1');
      for (const wrong of ['', 'k', 'K1', 'k1 ', 'k'.repeat(8192), 'toString'])
        assert.equal(store.find(wrong), undefined);
      assert.deepEqual(store.status(), { keys: 3, applications: 3, fileRefused: false });
      assert.equal(harness.log.length, 1);
    });

    it('refuses a file that is not there or not right, naming the setting', async () => {
      await assert.rejects(
        make([k1], { apiKeysFile: '/proc/no such file' }),
        new SettingsError(['API_KEYS_FILE: the file "/proc/no such file" does not exist']),
      );
      await assert.rejects(make(undefined), SettingsError);
      await assert.rejects(
        make([k1, 'b S3cretKey']),
        new SettingsError(['API_KEYS_FILE: line 2: expected an application, then sha256: and 64 hex digits']),
      );
      await assert.rejects(make([]), SettingsError);
      await assert.rejects(make([k1], { apiKeys: ['a:k3:0'] }), SettingsError);
      await assert.rejects(make([lineOf('c', 'k3', { limit: 8 })], { apiKeys: ['c:k4:7'] }), SettingsError);
    });

    it('exports how many keys there are, and failures from 0', async () => {
      const harness = await make([k1, k2]);
      assert.equal(await harness.sample('flashcast_api_keys_loaded'), 2);
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 0);
    });

    it('warns of keys that can be guessed', async () => {
      const harness = await make([k1], { apiKeys: ['c:k3', `c:${'k'.repeat(16)}`] });
      assert.deepEqual(
        harness.logged('API_KEYS holds keys short enough to be guessed').map(({ keys }) => keys),
        [1],
      );
    });
  });

  describe('when the file changes', () => {
    it('lets new keys in and tells of those that are gone, and leaves the others as they are', async () => {
      const harness = await make([k1, k2]);
      const { store } = harness;
      const before = store.find('k1');
      const gone = store.find('k2')?.keyId ?? '';
      await harness.replace(k1, lineOf('a', 'k3'), lineOf('a', 'k4'));
      await harness.settle();
      assert.deepEqual(store.find('k1'), before);
      assert.equal(store.find('k2'), undefined);
      assert.equal(store.find('k3')?.application, 'a');
      assert.deepEqual(harness.lapses, [['revoked', gone]]);
      assert.equal(store.isInForce(before?.keyId ?? ''), true);
      assert.equal(store.isInForce(gone), false);
      assert.equal(await harness.sample('flashcast_api_keys_loaded'), 3);
    });

    it('says nothing of keys that nobody used', async () => {
      const harness = await make([k1, k2]);
      await harness.replace(k1);
      await harness.settle();
      assert.equal(harness.store.find('k2'), undefined);
      assert.deepEqual(harness.lapses, []);
    });

    it('gives a key that comes back another name, so that who it ended stays ended', async () => {
      const harness = await make([k1, k2]);
      const first = harness.store.find('k1')?.keyId ?? '';
      await harness.replace(k2);
      await harness.settle();
      await harness.replace(k1, k2);
      await harness.settle();
      const second = harness.store.find('k1')?.keyId ?? '';
      assert.notEqual(second, first);
      assert.deepEqual([harness.store.isInForce(first), harness.store.isInForce(second)], [false, true]);
      assert.deepEqual(harness.lapses, [['revoked', first]]);
    });

    it("takes a key that has become another application's as revoked", async () => {
      const harness = await make([k1]);
      const first = harness.store.find('k1')?.keyId ?? '';
      await harness.replace(lineOf('c', 'k1'));
      await harness.settle();
      assert.deepEqual(harness.lapses, [['revoked', first]]);
      assert.equal(harness.store.find('k1')?.application, 'c');
    });

    it('holds another limit for those who come, and ends nobody', async () => {
      const harness = await make([k2]);
      const { keyId = '' } = harness.store.find('k2') ?? {};
      await harness.replace(lineOf('b', 'k2', { limit: 9 }));
      await harness.settle();
      assert.deepEqual(harness.store.find('k2'), { keyId, application: 'b', applicationLimit: 9 });
      await harness.replace(lineOf('b', 'k2'));
      await harness.settle();
      assert.deepEqual(harness.store.find('k2'), { keyId, application: 'b', applicationLimit: undefined });
      assert.deepEqual(harness.lapses, []);
    });

    it('keeps the keys of the setting, whatever the file says', async () => {
      const harness = await make([k1], { apiKeys: ['c:k3'] });
      const { keyId = '' } = harness.store.find('k3') ?? {};
      await harness.replace('# nobody');
      await harness.settle();
      assert.equal(harness.store.find('k3')?.keyId, keyId);
      assert.equal(harness.store.find('k1'), undefined);
    });
  });

  describe('when the file is broken', () => {
    it('keeps all keys, counts it, and logs it once with the line', async () => {
      const harness = await make([k1, k2]);
      const { keyId = '' } = harness.store.find('k2') ?? {};
      await harness.replace(k1, 'b S3cretKey');
      for (let n = 0; n < 5; n++) await harness.settle();
      assert.equal(harness.store.find('k2')?.keyId, keyId);
      assert.deepEqual(harness.lapses, []);
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 1);
      assert.equal(await harness.sample('flashcast_api_keys_loaded'), 2);
      const lines = harness.logged(REFUSED);
      assert.deepEqual(
        lines.map(({ line, reason }) => [line, reason]),
        [[2, 'expected an application, then sha256: and 64 hex digits']],
      );
      assert.equal(harness.store.status().fileRefused, true);
    });

    it('logs it once as long as what stands in it is the same', async () => {
      const harness = await make([k1]);
      for (let n = 1; n <= 3; n++) {
        await harness.replace('broken');
        await utimes(harness.path, n, n);
        await harness.settle();
      }
      assert.equal(harness.logged(REFUSED).length, 1);
      await harness.replace('broken otherwise');
      await harness.settle();
      assert.equal(harness.logged(REFUSED).length, 2);
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 2);
    });

    it('takes it as soon as it is in order, and says so also where the keys are those from before', async () => {
      const harness = await make([k1]);
      await harness.replace('broken');
      await harness.settle();
      await harness.replace(k1);
      await harness.settle();
      assert.equal(harness.store.status().fileRefused, false);
      assert.equal(harness.logged('API_KEYS_FILE holds the keys in force').length, 1);
      await harness.replace('broken');
      await harness.settle();
      await harness.replace(k2);
      await harness.settle();
      assert.equal(harness.store.status().fileRefused, false);
      assert.equal(harness.store.find('k2')?.application, 'b');
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 2);
    });

    it('keeps all keys when it disappears or is emptied', async () => {
      const harness = await make([k1]);
      await rm(harness.path);
      for (let n = 0; n < 3; n++) await harness.settle();
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 1);
      await writeFile(harness.path, k1);
      await harness.settle();
      await truncate(harness.path);
      await harness.settle();
      assert.equal(await harness.sample('flashcast_api_keys_reload_failures_total'), 2);
      assert.deepEqual(
        harness.logged(REFUSED).map(({ reason }) => reason),
        ['does not exist', 'is empty; a file without keys holds a line that begins with #'],
      );
      assert.equal(harness.store.find('k1')?.application, 'a');
    });

    it('refuses one that contradicts the setting', async () => {
      const harness = await make([k1], { apiKeys: ['c:k3:7'] });
      await harness.replace(k1, lineOf('c', 'k4', { limit: 8 }));
      await harness.settle();
      assert.equal(harness.logged(REFUSED)[0]?.['line'], 2);
      assert.equal(harness.store.find('k4'), undefined);
    });
  });

  describe('when a key expires', () => {
    it('lets nobody in by it from that moment on, and tells of it at the next look, once', async () => {
      const harness = await make([lineOf('a', 'k1', { expiresAt: START + 1000 }), k2]);
      const { store } = harness;
      const { keyId = '' } = store.find('k1') ?? {};
      harness.now = START + 999;
      await store.look();
      assert.deepEqual([store.find('k1')?.keyId, store.isInForce(keyId), harness.lapses], [keyId, true, []]);
      harness.now = START + 1000;
      assert.deepEqual([store.find('k1'), store.isInForce(keyId)], [undefined, false]);
      for (let n = 0; n < 3; n++) await store.look();
      assert.deepEqual(harness.lapses, [['expired', keyId]]);
      assert.equal(store.find('k2')?.application, 'b');
    });

    it('is not deceived by an expiry that is far away, nor by a clock that is set', async () => {
      const year = 365 * 86_400_000;
      const harness = await make([lineOf('a', 'k1', { expiresAt: START + year })]);
      const { keyId = '' } = harness.store.find('k1') ?? {};
      for (const passed of [0, 25, 50, 300]) {
        harness.now = START + passed * 86_400_000;
        await harness.store.look();
      }
      assert.deepEqual(harness.lapses, []);
      harness.now = START + year + 5;
      await harness.store.look();
      assert.deepEqual(harness.lapses, [['expired', keyId]]);
      harness.now = START;
      const again = harness.store.find('k1')?.keyId;
      assert.notEqual(again, undefined);
      assert.notEqual(again, keyId);
    });

    it('takes the time of the file as it is now: later keeps the clients, sooner ends them', async () => {
      const expiring = (expiresAt: number): string => lineOf('a', 'k1', { expiresAt });
      const harness = await make([expiring(START + 1000)]);
      const { keyId = '' } = harness.store.find('k1') ?? {};
      await harness.replace(expiring(START + 5000));
      await harness.settle();
      harness.now = START + 2000;
      await harness.store.look();
      assert.equal(harness.store.find('k1')?.keyId, keyId);
      await harness.replace(expiring(START + 1500));
      await harness.settle();
      assert.deepEqual(harness.lapses, [['expired', keyId]]);
    });

    it('tells of all keys that lapse together in one call', async () => {
      const expiresAt = START + 1000;
      const keys = Array.from({ length: 50 }, (_, n) => `key ${n}`);
      const harness = await make(keys.map((key) => lineOf('a', key, { expiresAt })));
      for (const key of keys) harness.store.find(key);
      harness.now = expiresAt;
      await harness.store.look();
      assert.deepEqual(
        harness.lapses.map((lapse) => lapse.length),
        [51],
      );
    });
  });

  describe('on a reload', () => {
    it('reads the file at once', async () => {
      const harness = await make([k1]);
      await harness.replace(k2);
      await harness.store.reload();
      assert.deepEqual([harness.store.find('k1'), harness.store.find('k2')?.application], [undefined, 'b']);
    });

    it('says in the log what came of it, each time', async () => {
      const harness = await make([k1]);
      harness.store.start();
      await harness.store.reload();
      await harness.store.reload();
      assert.equal(harness.logged('API_KEYS_FILE holds the keys in force').length, 2);
      await harness.replace('broken');
      await harness.store.reload();
      await harness.store.reload();
      assert.equal(harness.logged(REFUSED).length, 2);
      await harness.replace(k2);
      await harness.store.reload();
      assert.equal(harness.logged(LOADED).length, 2);
    });

    it('is one where several are asked for, and reads what was there when the last was', async () => {
      const harness = await make([k1]);
      const look = harness.store.look();
      const reloads = [harness.store.reload(), harness.store.reload()];
      await harness.replace(k2);
      await Promise.all([look, ...reloads, harness.store.reload()]);
      assert.equal(harness.store.find('k2')?.application, 'b');
      const asked = harness.log.length;
      await Promise.all([1, 2, 3].map(() => harness.store.reload()));
      assert.equal(harness.log.length, asked + 1);
    });

    it('waits for a look that reads, as what that read is older', async () => {
      const harness = await make([k1]);
      let readers = 0;
      let most = 0;
      const openFile = promises.open;
      use(
        replaceOpen(async (...args) => {
          most = Math.max(most, (readers += 1));
          const handle = await openFile(...args);
          const close = handle.close.bind(handle);
          return Object.assign(handle, { close: () => close().finally(() => (readers -= 1)) });
        }),
      );
      await harness.store.look();
      await Promise.all([harness.store.look(), harness.store.reload(), harness.store.look(), harness.store.reload()]);
      assert.deepEqual([readers, most], [0, 1]);
    });

    it('has nothing to read where there is no file', async () => {
      const harness = await make(undefined, { apiKeys: ['c:k3'], apiKeysFile: undefined });
      await harness.store.reload();
      assert.equal(harness.logged('no API_KEYS_FILE to read again').length, 1);
      assert.equal(harness.store.find('k3')?.application, 'c');
    });
  });

  it('watches by itself once it is started, and no more when it is stopped', async () => {
    const harness = await make([k1]);
    const changes = new Changes();
    harness.store.onLapsed(() => changes.notify());
    const { keyId = '' } = harness.store.find('k1') ?? {};
    harness.store.start();
    harness.store.start();
    await harness.replace(k2);
    await changes.until(() => harness.lapses.length > 0, 'the revocation');
    assert.deepEqual(harness.lapses, [['revoked', keyId]]);
    harness.store.stop();
    harness.store.stop();
    harness.store.start();
    harness.store.find('k2');
    await appendFile(harness.path, '\n');
    await harness.replace('# nobody');
    const logged = harness.log.length;
    await harness.settle();
    assert.deepEqual([harness.lapses.length, harness.log.length], [1, logged]);
  });

  it('tells nobody who does not want to hear any more', async () => {
    const harness = await make([k1]);
    harness.store.find('k1');
    let told = 0;
    const forget = harness.store.onLapsed(() => (told += 1));
    forget();
    await harness.replace('# nobody');
    await harness.settle();
    assert.deepEqual([told, harness.lapses.length], [0, 1]);
  });
});
