import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { KUBE_VERSION } from './chart.ts';
import type { Json, JsonObject } from './json.ts';

/** The kinds that it has objects of, by what their paths are called. */
const KINDS = {
  'api/v1': { secrets: 'Secret' },
  'apis/apps/v1': { deployments: 'Deployment' },
  'apis/autoscaling/v2': { horizontalpodautoscalers: 'HorizontalPodAutoscaler' },
} as const;

/** As much of a Kubernetes API server as `lookup` asks for: what it can do, and the objects that it has. */
export class FakeCluster implements AsyncDisposable {
  readonly #server: Server;
  readonly #folder: string;
  /** By `namespace/secrets/name`; a test puts in what the cluster has. */
  readonly objects = new Map<string, JsonObject>();
  /** Paths of objects that were asked for. */
  readonly asked: string[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((request, response) => {
      const answer = this.#answerTo(request.url?.split('?', 1)[0] ?? '');
      const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
      response
        .writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(answer ?? missing));
    });
  }

  static async start(): Promise<FakeCluster> {
    const cluster = new FakeCluster(await mkdtemp(join(tmpdir(), 'flashcast-cluster-')));
    cluster.#server.listen(0, '127.0.0.1');
    await once(cluster.#server, 'listening');
    const server = `http://127.0.0.1:${(cluster.#server.address() as AddressInfo).port}`;
    await writeFile(
      cluster.kubeconfig,
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'fake',
        contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
        clusters: [{ name: 'fake', cluster: { server } }],
        users: [{ name: 'fake', user: {} }],
      }),
    );
    return cluster;
  }

  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  /** Flags with which `helm template` looks things up here. */
  get flags(): readonly string[] {
    return ['--dry-run=server', '--kubeconfig', this.kubeconfig];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
    await rm(this.#folder, { recursive: true });
  }

  #answerTo(path: string): Json | undefined {
    const object = /\/namespaces\/([^/]+\/[^/]+\/[^/]+)$/.exec(path);
    if (object !== null) {
      this.asked.push(path);
      return this.objects.get(object[1] ?? '');
    }
    const group = Object.entries(KINDS).find(([name]) => path === `/${name}`);
    if (group !== undefined) {
      const [name, kinds] = group;
      const resources = Object.entries(kinds).map(([plural, kind]) => ({
        ...{ name: plural, singularName: kind.toLowerCase(), namespaced: true, kind },
        verbs: ['get', 'list'],
      }));
      return { kind: 'APIResourceList', groupVersion: name.replace(/^apis?\//, ''), resources };
    }
    const groups = ['apps/v1', 'autoscaling/v2'].map((groupVersion) => {
      const [name = '', version = ''] = groupVersion.split('/');
      return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
    });
    return {
      '/version': { major: '1', minor: '34', gitVersion: `v${KUBE_VERSION}` },
      '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
      '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups },
    }[path];
  }
}
