import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CHART } from '../support/chart.ts';
import { asText, at, listAt, type JsonObject } from '../support/json.ts';

const run = promisify(execFile);

/** The image under test, as the cluster knows it. */
export const IMAGE = process.env['FLASHCAST_KUBE_IMAGE'] ?? 'flashcast:kube';

const NAMESPACE = 'flashcast-test';
const RELEASE = 'flash';
const VALUES = new URL('values.yaml', import.meta.url).pathname;
const DEFAULT_DENY = new URL('default-deny.yaml', import.meta.url).pathname;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Longest rollout, on a small node that others use too. */
const ROLLOUT = '240s';

/** What helm or kubectl said, whatever its status. */
export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

/** The labels by which the chart selects a component's pods. */
export function labelsOf(component: string): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/name': 'flashcast',
    'app.kubernetes.io/instance': RELEASE,
    'app.kubernetes.io/component': component,
  };
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
    const colon = IMAGE.lastIndexOf(':');
    const image = [`image.repository=${IMAGE.slice(0, colon)}`, `image.tag=${IMAGE.slice(colon + 1)}`];
    const flags = ['--values', VALUES, '--wait', '--timeout', ROLLOUT];
    await this.helm(
      ...['upgrade', '--install', RELEASE, CHART, ...flags],
      ...[...image, ...sets].flatMap((set) => ['--set', set]),
    );
  }

  /** Goes back to the revision before, and waits for every pod. */
  async rollback(): Promise<void> {
    await this.helm('rollback', RELEASE, '--wait', '--timeout', ROLLOUT);
  }

  async test(): Promise<string> {
    return this.helm('test', RELEASE, '--timeout', '120s');
  }

  async uninstall(): Promise<void> {
    // In the foreground: a Deployment is gone when its pods are, those that drain too.
    await this.helm('uninstall', RELEASE, '--cascade=foreground', '--wait', '--timeout', ROLLOUT);
  }

  /** The namespace, with the pod security level that its pods must keep to, and no traffic but what policies allow. */
  async createNamespace(): Promise<void> {
    await this.kubectl('create', 'namespace', NAMESPACE);
    await this.kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
    await this.kubectl('create', '--filename', DEFAULT_DENY);
  }

  async deleteNamespace(): Promise<void> {
    await this.kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait', '--timeout', ROLLOUT);
  }

  async objects(kind: string, ...flags: readonly string[]): Promise<readonly JsonObject[]> {
    const json = JSON.parse(await this.kubectl('get', kind, '--output=json', ...flags)) as JsonObject;
    return listAt(json, 'items');
  }

  /** Pods, and what Kubernetes warned of: for those who look for why a test failed. */
  async state(): Promise<string> {
    const { text: pods } = await this.attempt('get', 'pods', '--output=wide');
    const { text: warnings } = await this.attempt(
      'get',
      'events',
      '--field-selector=type=Warning',
      '--sort-by=.lastTimestamp',
    );
    return `${pods}\n${warnings}`;
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

  /** Waits until pods are gone, those that drain too. */
  async gone(pods: readonly string[]): Promise<void> {
    await this.kubectl('wait', ...pods.map((pod) => `pod/${pod}`), '--for=delete', '--timeout', ROLLOUT);
  }

  /** Kills the program of a pod, which has no time for anything, and waits until its container is back. */
  async kill(pod: string): Promise<void> {
    const restarts = '.status.containerStatuses[0].restartCount';
    const before = Number(await this.kubectl('get', 'pod', pod, `--output=jsonpath={${restarts}}`));
    // All processes that it may signal: the program and not tini, the first one, which ends with it. The shell is spared.
    await this.attempt('exec', pod, '--', 'sh', '-c', 'kill -KILL -1');
    await this.kubectl('wait', `pod/${pod}`, `--for=jsonpath={${restarts}}=${before + 1}`, '--timeout', ROLLOUT);
    await this.kubectl('wait', `pod/${pod}`, '--for=condition=Ready', '--timeout', ROLLOUT);
  }

  /** Waits until a component's rollout is done. */
  async rolledOut(component: string): Promise<void> {
    await this.kubectl('rollout', 'status', `deployment/flash-flashcast-${component}`, '--timeout', ROLLOUT);
  }

  /** Waits until so many edges are ready. */
  async edgesReady(count: number): Promise<void> {
    const deployment = 'deployment/flash-flashcast-edge';
    // Above the five minutes for which an autoscaler may look back.
    await this.kubectl('wait', deployment, `--for=jsonpath={.status.readyReplicas}=${count}`, '--timeout=330s');
  }

  /** CPU that edges take, of what they request, as the autoscaler sees it: `21%`. Waits until it sees something. */
  async cpuOfEdges(): Promise<string> {
    const path = '{.status.currentMetrics[0].resource.current.averageUtilization}';
    const scaler = 'horizontalpodautoscaler/flash-flashcast-edge';
    await this.kubectl('wait', scaler, `--for=jsonpath=${path}`, '--timeout', ROLLOUT);
    return `${await this.kubectl('get', scaler, `--output=jsonpath=${path}`)}%`;
  }

  /** Address of a component's Service within the cluster. */
  async serviceAddress(name: string): Promise<string> {
    return this.kubectl('get', 'service', `flash-flashcast-${name}`, '--output=jsonpath={.spec.clusterIP}');
  }

  /** Where this machine reaches the edges: their port of the node. */
  async edgesFromOutside(): Promise<{ readonly host: string; readonly port: number }> {
    const [node] = await this.objects('nodes');
    const addresses = listAt(node, 'status.addresses');
    const host = asText(addresses.find(({ type }) => type === 'InternalIP')?.['address']);
    const [service] = await this.objects('services', '--field-selector=metadata.name=flash-flashcast-edge');
    return { host, port: Number(asText(at(service, 'spec.ports.0.nodePort'))) };
  }
}
