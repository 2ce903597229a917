import { IMAGE, type Cluster } from './cluster.ts';

/** How a probe ends that saw the opposite of what was expected. */
const OTHERWISE = 7;
/** A policy takes hold of a new pod a moment after its start, so the same answer must come so many times in a row, a second apart. */
const IN_A_ROW = 5;
/** For the policy to take hold; far above what a busy machine needs. */
const PATIENCE_MS = 60_000;

export interface Connection {
  /** Labels of the pod that connects. */
  readonly from: Readonly<Record<string, string>>;
  readonly host: string;
  readonly port: number;
  readonly allowed: boolean;
}

/** What the pod runs: dials until the expected answer stands, or time is up. */
function script({ host, port, allowed }: Connection): string {
  return `let inARow = 0;
    const answer = (connected) => {
      inARow = connected === ${allowed} ? inARow + 1 : 0;
      if (inARow === ${IN_A_ROW}) process.exit(0);
      setTimeout(dial, 1000);
    };
    const dial = () => {
      const socket = require('node:net').connect({ host: '${host}', port: ${port} });
      let told = false;
      const tell = (connected) => { if (!told) { told = true; socket.destroy(); answer(connected); } };
      socket.setTimeout(2000).on('error', () => tell(false)).on('timeout', () => tell(false)).on('connect', () => tell(true));
    };
    setTimeout(() => process.exit(${OTHERWISE}), ${PATIENCE_MS});
    dial();`;
}

/** The pod's fields beside its command: it keeps to the pod security level, and no Service sends clients to it. */
function podSpec(name: string, connection: Connection): object {
  return {
    automountServiceAccountToken: false,
    // Never ready, whatever its labels.
    readinessGates: [{ conditionType: 'flashcast/never' }],
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name,
        image: IMAGE,
        command: ['node', '-e', script(connection)],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  };
}

/** Whether a pod with these labels sees what is expected. */
export async function holds(cluster: Cluster, connection: Connection): Promise<boolean> {
  const name = `probe-${Math.random().toString(36).slice(2, 8)}`;
  const labels = Object.entries(connection.from).map(([key, value]) => `${key}=${value}`);
  await cluster.kubectl(
    ...['run', name, `--image=${IMAGE}`, '--restart=Never'],
    `--overrides=${JSON.stringify({ spec: podSpec(name, connection) })}`,
    ...(labels.length === 0 ? [] : [`--labels=${labels.join(',')}`]),
  );
  try {
    const terminated = '.status.containerStatuses[0].state.terminated';
    // Above the probe's own patience, as its container must be started too.
    await cluster.kubectl('wait', `pod/${name}`, `--for=jsonpath={${terminated}}`, '--timeout=180s');
    const code = await cluster.kubectl('get', `pod/${name}`, `--output=jsonpath={${terminated}.exitCode}`);
    if (code !== '0' && code !== String(OTHERWISE)) throw new Error(`the probe ended with ${code}`);
    return code === '0';
  } finally {
    await cluster.kubectl('delete', `pod/${name}`, '--wait=false');
  }
}
