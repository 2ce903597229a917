import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { type Server, startDemo, startEdge, startIngest, startProxy } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';
import { BrowserPage, needBrowser } from './chromium.ts';

const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
/** What a browser says of a process that is not there; the page says it too. */
const NOT_REACHED = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/;

function flashblock(block: number, index: number, payloadId: string): string {
  return JSON.stringify({
    payload_id: payloadId,
    index,
    ...(index === 0 && { base: { block_number: `0x${block.toString(16)}` } }),
    diff: { transactions: [] },
    metadata: { block_number: block },
  });
}

describe('the status page in a browser', function () {
  this.timeout(60_000);
  const use = usesResources();
  let browser: Browser | undefined;
  let proxy: Server;

  before('a browser, and a proxy with its built-in builder', async function () {
    browser = await needBrowser(this);
    proxy = await startDemo();
    await proxy.ready();
  });

  after(async () => {
    if (browser === undefined) return;
    await browser.close();
    await proxy[Symbol.asyncDispose]();
  });

  async function open(server = proxy, options: BrowserContextOptions = {}): Promise<BrowserPage> {
    return use(await BrowserPage.open(browser!, `http://127.0.0.1:${server.metricsPort}/status`, options));
  }

  it('shows the live stream, without a complaint and without a request to anybody else', async () => {
    const view = await open();
    await view.shows('#verdict-title', /^Streaming$/);
    await view.shows('#stream-picture .sum', /^11 · \d/);
    await view.shows('.tile', /Clients0 of 5,000/);
    await view.shows('#checks', /upstreamholds1 of 1 connected/);
    await view.shows('.quantiles', /half within/);
    assert.match((await view.texts('#program')).join(''), /^proxy$/);
    assert.match(await view.page.title(), /^Streaming – flashcast proxy$/);
    const first = (await view.texts('#newest-block')).join('');
    await view.page.locator('#newest-block', { hasNotText: first }).waitFor();
    assert.deepEqual(view.complaints, []);
    assert.deepEqual(
      view.requests.filter((path) => !path.startsWith('/status')),
      [],
    );
  });

  it('shows what a client sees: brotli, decoded in the page, loaded only then', async () => {
    const view = await open();
    await view.shows('#verdict-title', /^Streaming$/);
    const decoder = /viewer|brotli/;
    assert.deepEqual(
      view.requests.filter((path) => decoder.test(path)),
      [],
    );
    await view.page.locator('#client-button').click();
    await view.shows('#client-figures', /^1\d messages, all in order; .* received, \d\.\d times as large unpacked\.$/);
    await view.shows('.tile', /Clients1 of 5,000/);
    await view.page.locator('#client-button').click();
    await view.shows('#client-state', /^Disconnected\.$/);
    await view.shows('.tile', /Clients0 of 5,000/);
    assert.deepEqual(view.complaints, []);
  });

  it('connects to an address that was typed, and says what is wrong with one that is none', async () => {
    const view = await open();
    const address = view.page.locator('#client-address');
    await view.shows('#verdict-title', /^Streaming$/);
    assert.equal(await address.inputValue(), proxy.url);
    await address.fill('http://elsewhere.example');
    await address.press('Enter');
    await view.shows('#client-state', /^That is no address of a stream/);
    // Another name of this machine is another origin to the policy.
    await address.fill(`ws://localhost:${proxy.port}/ws`);
    await address.press('Enter');
    await view.shows('#client-rows td', /^in order$/);
    assert.deepEqual(view.complaints, []);
  });

  it('survives a restart of its edge', async () => {
    const redis = use(await openProgramsRedis());
    const builder = use(await TestBuilder.start());
    const ingest = use(await startIngest([builder.url], redis.url, redis.settings));
    await builder.connected();
    const edge = use(await startEdge(redis.url, redis.settings));
    await Promise.all([ingest.ready(), edge.ready()]);
    const view = await open(edge);
    builder.sendText(flashblock(7, 0, '0x7'));
    await view.shows('#newest-block', /^7$/);
    await edge.program.stop();
    await view.shows('#verdict-title', /^No answer from the process for/);
    const again = {
      LISTEN_ADDR: `127.0.0.1:${edge.port}`,
      METRICS_ADDR: `127.0.0.1:${edge.metricsPort}`,
      EDGE_ID: 'the-next',
    };
    use(await startEdge(redis.url, { ...redis.settings, ...again }));
    await view.shows('#identity', /^the-next · /);
    builder.sendText(flashblock(7, 1, '0x7'));
    await view.shows('#newest-index', /^1$/);
    await view.shows('#verdict-title', /^Streaming$/);
    assert.deepEqual(
      view.complaints.filter((complaint) => !NOT_REACHED.test(complaint)),
      [],
    );
  });

  it('says that a process hangs, while it hangs', async () => {
    const own = use(await startDemo());
    await own.ready();
    const view = await open(own);
    await view.shows('#verdict-title', /^Streaming$/);
    own.program.signal('SIGSTOP');
    await view.shows('#verdict-title', /^No answer from the process for/);
    own.program.signal('SIGCONT');
    await view.shows('#verdict-title', /^Streaming/);
  });

  it('says that it can read nothing of what an address sends', async () => {
    const garbage = use(await TestBuilder.start());
    const view = await open();
    const address = view.page.locator('#client-address');
    await address.fill(garbage.url);
    await address.press('Enter');
    await garbage.connected();
    garbage.sendBinary(Buffer.from([1, 2, 3, 4]));
    garbage.sendText(`{"payload_id":"${'x'.repeat(16_777_216)}"}`);
    await view.shows('#client-figures', /^0 messages; 2 unreadable; 17 MB received\.$/);
  });

  it('says what is the matter: no upstream, a silent stream, a drain', async () => {
    const builder = use(await TestBuilder.start());
    const own = use(
      await startProxy([builder.url], { DRAIN_DELAY_MS: '3000', DRAIN_TIMEOUT_MS: '4000', UPSTREAM_STALE_MS: '60000' }),
    );
    await own.program.logged(({ msg }) => msg === 'serving metrics and health', 'the operations server');
    const view = await open(own);
    await view.shows('#verdict-title', /^No message yet$/);
    await view.shows('#stream-empty', /^No flashblock yet/);
    await builder.connected();
    builder.sendText(flashblock(7, 0, '0x7'));
    await view.shows('#verdict-title', /^Streaming$/);
    await view.shows('#verdict-title', /^The stream is silent for \d/);
    await view.shows('#incidents', /No message for over 5 s/);
    use(await ClientSwarm.connect({ port: own.port, clients: 2 }));
    own.program.signal('SIGTERM');
    await view.shows('#verdict-title', /^Draining$/);
    await view.shows('#incidents', /Draining: clients are closed evenly/);
  });

  it('shows text from outside as text', async () => {
    const builder = use(await TestBuilder.start());
    const own = use(await startProxy([builder.url]));
    await builder.connected();
    const view = await open(own);
    const hostile = '"><img id=injected src=x onerror=alert(1)>';
    builder.sendText(flashblock(7, 0, hostile));
    await view.shows('#newest-block', /^7$/);
    await view.page.locator('summary').click();
    await view.shows('#stream-rows td', '"><img id=');
    assert.equal(await view.page.locator('#injected').count(), 0);
    assert.deepEqual(view.complaints, []);
  });

  for (const colorScheme of ['light', 'dark'] as const)
    it(`has nothing that shuts people out, in ${colorScheme}`, async () => {
      const axe = await readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
      const view = await open(proxy, { colorScheme });
      await view.shows('#verdict-title', /^Streaming$/);
      await view.page.locator('summary').click();
      await view.page.locator('#client-button').click();
      await view.shows('#client-rows td', /^in order$/);
      await view.value(axe);
      const found = (await view.value('axe.run()')) as {
        readonly passes: readonly unknown[];
        readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: object[] }[];
      };
      assert.ok(found.passes.length > 20);
      assert.deepEqual(
        found.violations.map(({ id, impact, nodes }) => `${impact}: ${id} (${nodes.length})`),
        [],
      );
    });

  it('is used by the keyboard alone', async () => {
    const view = await open();
    await view.shows('#verdict-title', /^Streaming$/);
    const reached: unknown[] = [];
    for (let step = 0; step < 8; step += 1) {
      await view.page.keyboard.press('Tab');
      reached.push(
        await view.value(
          'document.activeElement.id || document.activeElement.value || document.activeElement.localName',
        ),
      );
      const outline = await view.value('getComputedStyle(document.activeElement).outlineStyle');
      assert.equal(outline, 'solid', `the focus shows on ${String(reached.at(-1))}`);
    }
    assert.deepEqual(reached, ['a', 'summary', '60', 'a', 'div', 'client-address', 'client-button', 'a']);
    await view.page.locator('summary').focus();
    await view.page.keyboard.press('Enter');
    await view.page.locator('#stream-rows tr').first().waitFor();
    await view.page.locator('#client-button').focus();
    await view.page.keyboard.press('Enter');
    await view.shows('#client-rows td', /^in order$/);
  });

  it('fits a phone, and a reader who enlarges it', async () => {
    for (const options of [
      PHONE,
      { ...PHONE, viewport: { width: 320, height: 640 } },
      { viewport: { width: 768, height: 900 } },
    ]) {
      const view = await open(proxy, options);
      await view.shows('#stream-picture .block', /\d/);
      await view.page.locator('summary').click();
      await view.page.locator('#client-button').click();
      await view.shows('#client-rows td', /^in order$/);
      const [content, screen] = (await view.value('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      assert.ok(content! <= screen!, `${content} pixels on ${screen}`);
    }
  });

  it('does not move for those who do not want it', async () => {
    const still = await open(proxy, { reducedMotion: 'reduce' });
    await still.shows('#stream-picture .sum', /^11 · \d/);
    assert.equal(await still.value('getComputedStyle(document.querySelector(".bar.last")).animationName'), 'none');
  });

  it('is not there with STATUS_PAGE=false; the figures are', async () => {
    const own = use(await startProxy(['ws://127.0.0.1:9'], { STATUS_PAGE: 'false' }));
    await own.program.logged(({ msg }) => msg === 'serving metrics and health', 'the operations server');
    const base = `http://127.0.0.1:${own.metricsPort}`;
    for (const path of ['/status', '/status/events', '/status/main.js', '/status/brotli/index.web.js'])
      assert.equal((await fetch(base + path)).status, 404, path);
    assert.equal((await fetch(`${base}/status.json`)).status, 200);
  });
});
