import Mocha from 'mocha';

/**
 * Mocha's usual report with closing lines for people and scripts: what did not run, which Redis the tests ran on
 * (FLASHCAST_TEST_REDIS_TEXT), and last `N passed, N failed`.
 */
export default class Reporter extends Mocha.reporters.Spec {
  #notRun = new Set();

  constructor(runner, options) {
    super(runner, options);
    runner.on('pending', (test) => this.#notRun.add(test.titlePath()[0]));
  }

  epilogue() {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    if (pending > 0) console.log(`${pending} did not run: ${[...this.#notRun].join('; ')}`);
    const redis = process.env.FLASHCAST_TEST_REDIS_TEXT;
    if (redis) console.log(`Redis: ${redis}`);
    console.log(`${passes} passed, ${failures} failed`);
  }
}
