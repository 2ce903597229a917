// `npm run screenshots`: takes the pictures of the status page for the docs, of a built proxy with two racing builders, some
// clients, and an upstream that is away for a while. Needs chromium, and two minutes.
import { mkdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import 'ts-blank-space/register';
import { chromium } from 'playwright-core';

const { ClientSwarm } = await import('../support/client-swarm.ts');
const { Program, freePort } = await import('../support/program.ts');
const { startProxy } = await import('../support/stack.ts');

const FOLDER = 'docs/images';
const DESKTOP = { viewport: { width: 1240, height: 900 } };
const PICTURES = [
  ['status-light', { ...DESKTOP, colorScheme: 'light' }],
  ['status-dark', { ...DESKTOP, colorScheme: 'dark' }],
  ['status-phone', { viewport: { width: 390, height: 1500 }, isMobile: true, colorScheme: 'light' }],
];
/** Long enough for the figures to have a past. */
const BEFORE_MS = 45_000;
const AFTER_MS = 30_000;

const ports = [await freePort(), await freePort()];
const simulate = (port, ...flags) =>
  Program.start(['simulate', '--listen', `127.0.0.1:${port}`, '--seed', '3', ...flags]);
const builders = [simulate(ports[0]), simulate(ports[1], '--skip', '0.02')];
const proxy = await startProxy(
  ports.map((port) => `ws://127.0.0.1:${port}/ws`),
  { INSTANCE_CONNECTION_LIMIT: '1000', EDGE_ID: 'edge-fra-1' },
);
await proxy.ready();
const swarm = await ClientSwarm.connect({ port: proxy.port, clients: 120 });
await wait(BEFORE_MS);
await builders[0].stop();
await wait(4000);
builders[0] = simulate(ports[0]);
await wait(AFTER_MS);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' });
await mkdir(FOLDER, { recursive: true });
for (const [name, options] of PICTURES) {
  const page = await browser.newPage(options);
  await page.goto(`http://127.0.0.1:${proxy.metricsPort}/status`);
  await page.locator('#stream-picture .sum, #stream-picture .block').nth(5).waitFor();
  await wait(2000);
  const { height } = await page.locator('main').boundingBox();
  const whole = name !== 'status-phone';
  await page.screenshot({
    path: `${FOLDER}/${name}.png`,
    fullPage: whole,
    ...(whole && { clip: { x: 0, y: 0, width: 1240, height: Math.min(1010, height) } }),
  });
  await page.close();
}
await browser.close();
await swarm[Symbol.asyncDispose]();
await proxy[Symbol.asyncDispose]();
for (const builder of builders) await builder.stop();
