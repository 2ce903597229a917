import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** apt brings some 300 MB where there is none yet. */
const INSTALL_PATIENCE_MS = 300_000;

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** As CI does it: root of a Debian or Ubuntu asks apt. */
function install(): string | undefined {
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, {
      stdio: 'ignore',
      timeout: INSTALL_PATIENCE_MS,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  const packages = () => apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  return process.getuid?.() === 0 && (packages() || (apt('update') && packages())) ? onPath() : undefined;
}

/**
 * A browser for a suite, or the suite is left out, visibly, where there is none. Where FLASHCAST_REQUIRE_BROWSER is 1 it is
 * installed, or its lack is a failure.
 */
export async function needBrowser(context: Mocha.Context): Promise<Browser> {
  const required = process.env['FLASHCAST_REQUIRE_BROWSER'] === '1';
  if (required) context.timeout(2 * INSTALL_PATIENCE_MS);
  const executablePath = onPath() ?? (required ? install() : undefined);
  if (executablePath !== undefined) return chromium.launch({ executablePath });
  if (required) throw new Error('FLASHCAST_REQUIRE_BROWSER is set: chromium must be on PATH, or apt must have it');
  console.log('THE STATUS PAGE WAS NOT TRIED IN A BROWSER: no chromium on PATH');
  return context.skip();
}

/** A page of a browser, and what it complained of: errors, warnings and violations of its policy. */
export class BrowserPage implements AsyncDisposable {
  readonly page: Page;
  readonly complaints: string[] = [];
  /** Paths that were asked for. */
  readonly requests: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => this.requests.push(new URL(request.url()).pathname));
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<BrowserPage> {
    const context = await browser.newContext(options);
    const opened = new BrowserPage(await context.newPage());
    await opened.page.goto(url);
    return opened;
  }

  /** Waits until an element has this text. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor();
  }

  async texts(selector: string): Promise<string[]> {
    return this.page.locator(selector).allTextContents();
  }

  /** Evaluates an expression in the page. */
  async value(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
