import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../support/program.ts';
import { RULES_FILE } from './alert-case.ts';

/** How often readiness and answers are asked for. */
const POLL_MS = 100;
/** Three scrapes of compose's Prometheus, and time for a busy machine. */
const PATIENCE_MS = 60_000;

/** One series of an answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Asks a Prometheus by its HTTP API. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * The answer to a query now.
   *
   * @throws Error with Prometheus' words where the query is none
   */
  async query(query: string): Promise<readonly Sample[]> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data, error } = (await response.json()) as {
      readonly error?: string;
      readonly data?: { readonly result: readonly { metric: Sample['metric']; value: [number, string] }[] };
    };
    if (data === undefined) throw new Error(`${query}: ${error ?? response.status}`);
    return data.result.map(({ metric, value: [, text] }) => ({
      metric,
      value: Number(text.replace('Inf', 'Infinity')),
    }));
  }

  /** Names of the alerts and recordings that it evaluates. */
  async rules(): Promise<readonly string[]> {
    const response = await fetch(`${this.#url}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: { name: string }[] }[] } };
    return data.groups.flatMap(({ rules }) => rules.map(({ name }) => name));
  }

  /**
   * Asks again and again, as nothing tells when a scrape was made.
   *
   * @throws Error with the query when no answer in {@link PATIENCE_MS} is the one that is waited for
   */
  async until(query: string, holds: (samples: readonly Sample[]) => boolean): Promise<readonly Sample[]> {
    const deadline = performance.now() + PATIENCE_MS;
    let last: unknown;
    while (performance.now() < deadline) {
      try {
        const samples = await this.query(query);
        if (holds(samples)) return samples;
        last = JSON.stringify(samples.slice(0, 5));
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`${query} came to nothing else than ${String(last)}`);
  }
}

/** A Prometheus as a process of its own, with the project's rules; it scrapes every second. */
export class Prometheus extends PrometheusApi implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    super(url);
    this.#child = child;
    this.#folder = folder;
  }

  /**
   * Starts one.
   *
   * @param targets ports of 127.0.0.1, by the name of the job
   */
  static async start(binary: string, targets: Readonly<Record<string, readonly number[]>>): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'flashcast-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    await writeFile(
      config,
      stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [RULES_FILE],
        scrape_configs: Object.entries(targets).map(([job, ports]) => ({
          job_name: job,
          static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`), labels: { namespace: 'test' } }],
        })),
      }),
    );
    const port = await freePort();
    const flags = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn(binary, flags, { cwd: folder, stdio: 'ignore' });
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, child, folder);
    try {
      await prometheus.until('vector(1)', (samples) => samples.length > 0);
      return prometheus;
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
