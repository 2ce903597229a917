/**
 * The tools of the chart's tests: the one on PATH, else one that Go builds once into a cache of the project.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Removed by `npm ci` with everything else in `node_modules`; Go's own build cache makes the next build quick. */
export const CACHE = new URL('../../../node_modules/.cache/flashcast', import.meta.url).pathname;

/** Building helm compiles a good part of Kubernetes' client. */
const INSTALL_PATIENCE_MS = 15 * 60_000;

/** A program that `go install` makes. */
export interface GoTool {
  readonly name: string;
  /** Import path of its main package. */
  readonly package: string;
  readonly version: string;
  /** Its module replaces others, which `go install` refuses to build by itself: it is built as what an empty module needs. */
  readonly replaces?: true;
  /** Whether one on PATH will do; any does when absent. */
  readonly accepts?: (path: string) => Promise<boolean>;
}

export const HELM: GoTool = {
  name: 'helm',
  package: 'helm.sh/helm/v3/cmd/helm',
  version: 'v3.19.0',
  // Its words about values that a schema refuses were others before 3.18.
  accepts: async (path) => {
    const { stdout } = await run(path, ['version', '--template', '{{ .Version }}']);
    const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 18);
  },
};
export const KUBECONFORM: GoTool = {
  name: 'kubeconform',
  package: 'github.com/yannh/kubeconform/cmd/kubeconform',
  version: 'v0.7.0',
};
/** Prometheus 3.5 by the version of its Go module. */
const PROMETHEUS_VERSION = 'v0.305.0';
export const PROMTOOL: GoTool = {
  name: 'promtool',
  package: 'github.com/prometheus/prometheus/cmd/promtool',
  version: PROMETHEUS_VERSION,
  replaces: true,
};
/** Without the pages of its web interface, which tests do not need. */
export const PROMETHEUS: GoTool = {
  name: 'prometheus',
  package: 'github.com/prometheus/prometheus/cmd/prometheus',
  version: PROMETHEUS_VERSION,
  replaces: true,
};

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/**
 * Finds a tool, or has Go build it.
 *
 * @returns its path, or `undefined` where there is neither the tool nor Go
 * @throws Error with the compiler's words when the build fails
 */
async function findTool(tool: GoTool): Promise<string | undefined> {
  const found = await onPath(tool.name);
  if (found !== undefined && (await (tool.accepts?.(found) ?? true))) return found;
  const folder = join(CACHE, `${tool.name}-${tool.version}`);
  const built = join(folder, tool.name);
  if (await isExecutable(built)) return built;
  if ((await onPath('go')) === undefined) return undefined;
  await mkdir(folder, { recursive: true });
  const source = `${tool.package}@${tool.version}`;
  const commands = tool.replaces
    ? [
        ['mod', 'init', 'flashcast.test/tool'],
        ['get', source],
        ['build', '-o', built, tool.package],
      ]
    : [['install', source]];
  await rm(join(folder, 'go.mod'), { force: true });
  for (const command of commands) await run('go', command, { cwd: folder, env: { ...process.env, GOBIN: folder } });
  return built;
}

/**
 * The files of a Go module, from Go's own cache or its proxy.
 *
 * @returns the module's folder, or `undefined` where there is no Go
 */
export async function findModule(module: string, version: string): Promise<string | undefined> {
  if ((await onPath('go')) === undefined) return undefined;
  await mkdir(CACHE, { recursive: true });
  const { stdout } = await run('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: CACHE });
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}

/** Lets a suite be left out, visibly, where a tool is neither there nor can be built, and nobody requires it. */
export async function needTool(context: Mocha.Context, tool: GoTool): Promise<string> {
  context.timeout(INSTALL_PATIENCE_MS);
  const path = await findTool(tool);
  if (path !== undefined) return path;
  if (process.env['FLASHCAST_REQUIRE_HELM'] === '1') {
    throw new Error(`FLASHCAST_REQUIRE_HELM is set: ${tool.name} or Go must be on PATH`);
  }
  context.skip();
}
