import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { at, type Json, type JsonObject, asText } from './json.ts';

const run = promisify(execFile);

export const CHART = new URL('../../../helm/flashcast', import.meta.url).pathname;
/** What a helm that Go built would else take for a very old cluster. */
export const KUBE_VERSION = '1.34.4';
const RELEASE = 'r';
const NAMESPACE = 'stream';

/** The least that is complete: everything bundled. */
export const MINIMAL: JsonObject = {
  simulator: { enabled: true },
  redis: { enabled: true, password: 'bundled-secret' },
};

/** Values files for `helm install` and for these tests. */
export const CI_VALUES = ['minimal', 'production', 'external-redis'] as const;

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and hands back how it ended, whatever its status. */
export async function outcomeOf(program: string, args: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(program, args, { maxBuffer: 16 * 1024 * 1024 });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

/** A rendered object of the chart. */
export class Manifest {
  readonly json: JsonObject;

  constructor(json: JsonObject) {
    this.json = json;
  }

  get kind(): string {
    return asText(this.json['kind']);
  }

  get name(): string {
    return asText(at(this.json, 'metadata.name'));
  }

  /** What stands at a path such as `spec.template.spec`; `undefined` where nothing does. */
  at(path: string): Json | undefined {
    return at(this.json, path);
  }

  /** The spec of its pods; `undefined` when it makes none. */
  get podSpec(): JsonObject | undefined {
    const spec = this.kind === 'Pod' ? this.at('spec') : this.at('spec.template.spec');
    return spec as JsonObject | undefined;
  }
}

/** All that a rendering makes. */
export class Rendering {
  readonly text: string;
  readonly manifests: readonly Manifest[];

  constructor(text: string) {
    this.text = text;
    this.manifests = parseAllDocuments(text, { version: '1.1' })
      .map((document) => {
        if (document.errors.length > 0) throw document.errors[0]!;
        return document.toJS() as JsonObject | null;
      })
      .filter((json) => json !== null)
      .map((json) => new Manifest(json));
  }

  of(kind: string): readonly Manifest[] {
    return this.manifests.filter((manifest) => manifest.kind === kind);
  }

  /** The object of a kind whose name ends so behind the release's, `edge` for example. */
  get(kind: string, ending: string): Manifest {
    const found = this.find(kind, ending);
    if (found === undefined) throw new Error(`no ${kind} ...-${ending} was made`);
    return found;
  }

  find(kind: string, ending: string): Manifest | undefined {
    return this.of(kind).find(({ name }) => name === `${RELEASE}-flashcast-${ending}`);
  }
}

/** The chart in the hands of one helm. */
export class Chart {
  readonly helm: string;

  constructor(helm: string) {
    this.helm = helm;
  }

  /** `helm template` with values; `files` stand before them. */
  async template(values: JsonObject, files: readonly string[] = [], flags: readonly string[] = []): Promise<Outcome> {
    const folder = await mkdtemp(join(tmpdir(), 'flashcast-values-'));
    try {
      const own = join(folder, 'values.yaml');
      await writeFile(own, stringify(values));
      const valueFlags = [...files, own].flatMap((file) => ['--values', file]);
      const common = ['--namespace', NAMESPACE, '--kube-version', KUBE_VERSION];
      return await outcomeOf(this.helm, ['template', RELEASE, CHART, ...common, ...valueFlags, ...flags]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** What the chart makes of values; those that do not fit are an error. */
  async render(values: JsonObject, files: readonly string[] = [], flags: readonly string[] = []): Promise<Rendering> {
    const { status, stdout, stderr } = await this.template(values, files, flags);
    if (status !== 0) throw new Error(`helm template: ${stderr}`);
    return new Rendering(stdout);
  }

  /** What the chart makes of a file in `ci/`. */
  renderCi(name: (typeof CI_VALUES)[number]): Promise<Rendering> {
    return this.render({}, [ciFile(name)]);
  }

  /** What helm says to values that it must refuse. */
  async refusal(values: JsonObject): Promise<string> {
    const { status, stderr } = await this.template(values);
    if (status === 0) throw new Error('the values were accepted');
    return stderr;
  }
}

function ciFile(name: (typeof CI_VALUES)[number]): string {
  return join(CHART, 'ci', `${name}-values.yaml`);
}
