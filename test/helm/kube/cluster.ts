import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CHART } from '../support/chart.ts';
import { asText, listAt, type JsonObject } from '../support/json.ts';

const run = promisify(execFile);

const NAMESPACE = 'flashcast-test';
const RELEASE = 'flash';
const VALUES = new URL('values.yaml', import.meta.url).pathname;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Longest rollout, on a small node that others use too. */
const ROLLOUT = '240s';

/** How a probe ends that may not connect. */
const REFUSED = 7;

/** What helm or kubectl said, whatever its status. */
export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

/** The release in its namespace of the cluster that KUBECONFIG names. */
export class Cluster {
  readonly #helm: string;

  constructor(helm: string) {
    this.#helm = helm;
  }

  /** `kubectl` in the release's namespace. @throws Error with its words when it fails */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('kubectl', ['--namespace', NAMESPACE, ...args], { maxBuffer: MAX_OUTPUT_BYTES });
    return stdout.trim();
  }

  /** `kubectl` where failing is an answer too. */
  async attempt(...args: readonly string[]): Promise<Said> {
    try {
      return { ok: true, text: await this.kubectl(...args) };
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return { ok: false, text: stdout + stderr };
    }
  }

  async helm(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#helm, ['--namespace', NAMESPACE, ...args], { maxBuffer: MAX_OUTPUT_BYTES });
    return stdout.trim();
  }

  /** Installs the release or upgrades it to these values over those of the tests, and waits for every pod. */
  async upgrade(...sets: readonly string[]): Promise<void> {
    const flags = ['--values', VALUES, '--wait', '--timeout', ROLLOUT, ...sets.flatMap((set) => ['--set', set])];
    await this.helm('upgrade', '--install', RELEASE, CHART, ...flags);
  }

  async test(): Promise<string> {
    return this.helm('test', RELEASE, '--timeout', '120s');
  }

  async uninstall(): Promise<void> {
    // In the foreground: a Deployment is gone when its pods are, those that drain too.
    await this.helm('uninstall', RELEASE, '--cascade=foreground', '--wait', '--timeout', ROLLOUT);
  }

  /** The namespace, with the pod security level that its pods must keep to. */
  async createNamespace(): Promise<void> {
    await this.kubectl('create', 'namespace', NAMESPACE);
    await this.kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
  }

  async deleteNamespace(): Promise<void> {
    await this.kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait', '--timeout', ROLLOUT);
  }

  async objects(kind: string, ...flags: readonly string[]): Promise<readonly JsonObject[]> {
    const json = JSON.parse(await this.kubectl('get', kind, '--output=json', ...flags)) as JsonObject;
    return listAt(json, 'items');
  }

  /** Names of a component's pods that are not about to end. */
  async pods(component: string): Promise<readonly string[]> {
    const pods = await this.objects('pods', `--selector=app.kubernetes.io/component=${component}`);
    return pods
      .map((pod) => pod['metadata'] as JsonObject)
      .filter((metadata) => metadata['deletionTimestamp'] === undefined)
      .map(({ name }) => asText(name))
      .sort();
  }

  /** Waits until a component's rollout is done. */
  async rolledOut(component: string): Promise<void> {
    await this.kubectl('rollout', 'status', `deployment/flash-flashcast-${component}`, '--timeout', ROLLOUT);
  }

  /** Address of a component's Service within the cluster, which this machine reaches too. */
  async serviceAddress(name: string): Promise<string> {
    return this.kubectl('get', 'service', `flash-flashcast-${name}`, '--output=jsonpath={.spec.clusterIP}');
  }

  /** Whether a pod with these labels may connect; it keeps to the pod security level, too. */
  async canConnect(labels: Readonly<Record<string, string>>, host: string, port: number): Promise<boolean> {
    const name = `probe-${Math.random().toString(36).slice(2, 8)}`;
    // A policy takes hold of a new pod a moment after its start: allowed is what still succeeds after some seconds.
    const script = `let tries = 0;
      const refused = () => process.exit(${REFUSED});
      const dial = () => require('node:net').connect({ host: '${host}', port: ${port}, timeout: 3000 })
        .on('error', refused).on('timeout', refused)
        .on('connect', function () { this.destroy(); ++tries < 5 ? setTimeout(dial, 1000) : process.exit(0); });
      dial();`;
    const overrides = {
      spec: {
        automountServiceAccountToken: false,
        // Never ready, so that no Service sends clients to it, whatever its labels.
        readinessGates: [{ conditionType: 'flashcast/never' }],
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name,
            image: 'flashcast:kube',
            command: ['node', '-e', script],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    };
    const given = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    await this.kubectl(
      ...['run', name, '--image=flashcast:kube', '--restart=Never', `--overrides=${JSON.stringify(overrides)}`],
      ...(given.length === 0 ? [] : [`--labels=${given.join(',')}`]),
    );
    try {
      // Whichever comes first: kubectl waits for one state at a time.
      await this.kubectl(
        'wait',
        `pod/${name}`,
        '--for=jsonpath={.status.containerStatuses[0].state.terminated}',
        '--timeout=60s',
      );
      const code = await this.kubectl(
        'get',
        `pod/${name}`,
        '--output=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}',
      );
      if (code !== '0' && code !== String(REFUSED)) throw new Error(`the probe ended with ${code}`);
      return code === '0';
    } finally {
      await this.kubectl('delete', `pod/${name}`, '--wait=false');
    }
  }
}
