import assert from 'node:assert/strict';
import { Chart, MINIMAL } from './support/chart.ts';
import { HELM, needTool } from './support/go-tool.ts';
import { over, type JsonObject } from './support/json.ts';

const DIGEST = `sha256:${'0'.repeat(63)}`;

/** Values that the schema refuses, and what an operator reads. */
const WRONG: readonly (readonly [string, JsonObject, RegExp])[] = [
  ['an unknown value', { edges: {} }, /additional properties 'edges' not allowed/],
  [
    'a mistyped value of a component',
    { edge: { replica: 2 } },
    /'\/edge': additional properties 'replica' not allowed/,
  ],
  [
    'a setting that no program has',
    { ingest: { config: { gapRepairMS: 5 } } },
    /'\/ingest\/config': .*'gapRepairMS' not/,
  ],
  [
    'a secret among settings',
    { edge: { config: { apiKeys: 'app:key' } } },
    /'\/edge\/config': .*'apiKeys' not allowed/,
  ],
  ['a URL of Redis among settings', { config: { redisUrl: 'redis://r' } }, /'\/config': .*'redisUrl' not allowed/],
  ['a drain among settings', { edge: { config: { drainTimeoutMs: 5 } } }, /'drainTimeoutMs' not allowed/],
  ['a key prefix of one component', { edge: { config: { redisKeyPrefix: 'a' } } }, /'redisKeyPrefix' not allowed/],
  [
    'a number out of range',
    { ingest: { config: { compressionQuality: 12 } } },
    /compressionQuality': maximum: got 12, want 11/,
  ],
  ['a text for a number', { edge: { replicas: '3' } }, /'\/edge\/replicas': got string, want integer/],
  ['a fraction of a pod', { ingest: { replicas: 1.5 } }, /'\/ingest\/replicas': got number, want integer/],
  ['no ingest at all', { ingest: { replicas: 0 } }, /'\/ingest\/replicas': minimum: got 0, want 1/],
  ['an unknown log level', { config: { logLevel: 'loud' } }, /logLevel': value must be one of 'error', 'warn', 'info'/],
  ['a digest that is cut short', { image: { digest: DIGEST } }, /image\/digest': .*does not match pattern/],
  [
    'a budget that blocks every drain',
    { edge: { podDisruptionBudget: { maxUnavailable: 0 } } },
    /maxUnavailable': minimum: got 0, want 1/,
  ],
  [
    'the same as a percentage',
    { edge: { podDisruptionBudget: { maxUnavailable: '0%' } } },
    /'0%' does not match pattern/,
  ],
  [
    'an unknown type of Service',
    { edge: { service: { type: 'Ingress' } } },
    /service\/type': value must be one of 'ClusterIP'/,
  ],
  [
    'a port beyond the last',
    { edge: { service: { port: 65_536 } } },
    /service\/port': maximum: got 65,536, want 65,535/,
  ],
  [
    'a bound of no bucket of the latency',
    { monitoring: { prometheusRule: { latency: { withinSeconds: 0.25 } } } },
    /withinSeconds': value must be one of/,
  ],
  ['a variable without a name', { edge: { extraEnv: [{ value: 'x' }] } }, /extraEnv\/0': missing property 'name'/],
  ['a listening address with a port', { listenHost: '0.0.0.0:80' }, /listenHost': '0.0.0.0:80' does not match pattern/],
];

/** Values of which each is right and all together are not. */
const CONTRADICTIONS: readonly (readonly [string, JsonObject, RegExp])[] = [
  [
    'a builder that is no WebSocket',
    { upstreams: { uris: ['ws://a', 'https://b'] } },
    /upstreams\.uris\[1\]: expected a ws:/,
  ],
  [
    'a Redis URL of another kind',
    { redis: { enabled: false }, externalRedis: { url: 'http://r' } },
    /externalRedis\.url: expected redis:/,
  ],
  ['a key that is not hashed', { apiKeys: { lines: ['app key'] } }, /apiKeys\.lines\[0\]: expected "app sha256:HEX/],
  ['a password that would break a URL', { redis: { password: 'a@b' } }, /redis\.password: expected letters/],
  ['a test of something else', { tests: { url: 'http://edge' } }, /tests\.url: expected a ws:/],
  [
    'a grace period that cuts clients off',
    { edge: { terminationGracePeriodSeconds: 34 } },
    /terminationGracePeriodSeconds \(34\): expected at least 35, 5 above edge\.drain\.timeoutMs \(30000\)/,
  ],
  [
    'a grace period that leaves the hook out',
    { edge: { terminationGracePeriodSeconds: 40, drain: { preStopSeconds: 15 } } },
    /expected at least 50, 5 above edge\.drain\.timeoutMs \(30000\) and preStopSeconds \(15\)/,
  ],
  [
    'a delay longer than the drain',
    { edge: { drain: { delayMs: 40_000 } } },
    /edge\.drain\.delayMs \(40000\): expected at most edge\.drain\.timeoutMs \(30000\)/,
  ],
  [
    'a drain setting past the chart',
    { edge: { extraEnv: [{ name: 'DRAIN_TIMEOUT_MS', value: '60000' }] } },
    /edge\.extraEnv: DRAIN_TIMEOUT_MS is not set here, expected edge\.drain\.timeoutMs/,
  ],
  [
    'a secret in the environment',
    { ingest: { extraEnv: [{ name: 'UPSTREAM_WS', value: 'ws://b' }] } },
    /ingest\.extraEnv: UPSTREAM_WS is not set here, expected upstreams/,
  ],
  [
    'a log file where nothing can be written',
    {
      config: { logDir: '/var/log/flashcast' },
      ingest: { extraVolumeMounts: [{ name: 'logs', mountPath: '/var/log/' }] },
      edge: { extraVolumeMounts: [{ name: 'logs', mountPath: '/var/log/flash' }] },
    },
    /^- edge: logDir is \/var\/log\/flashcast, expected edge\.extraVolumeMounts/m,
  ],
  [
    'no Redis',
    { redis: { enabled: false } },
    /Redis: not set, expected externalRedis\.url or externalRedis\.existingSecret/,
  ],
  ['two of them', { externalRedis: { url: 'redis://r' } }, /received redis\.enabled and externalRedis\.url/],
  ['no builder', { simulator: { enabled: false } }, /upstreams: not set, expected upstreams\.uris/],
  ['a Secret beside own builders', { upstreams: { existingSecret: 'u' } }, /upstreams\.existingSecret: stands alone/],
  [
    'two autoscalers',
    { edge: { autoscaling: { enabled: true }, keda: { enabled: true } } },
    /two autoscalers would fight/,
  ],
  [
    'bounds of scaling the wrong way round',
    { edge: { autoscaling: { enabled: true, minReplicas: 30 } } },
    /minReplicas \(30\): expected at most edge\.autoscaling\.maxReplicas \(20\)/,
  ],
  [
    'a share of no CPU',
    { edge: { autoscaling: { enabled: true }, resources: { requests: { cpu: null } } } },
    /expected edge\.resources\.requests\.cpu/,
  ],
  [
    'a rollout that cannot begin',
    { edge: { strategy: { maxSurge: '0%', maxUnavailable: 0 } } },
    /edge\.strategy: expected maxSurge or maxUnavailable above 0/,
  ],
  [
    'both kinds of monitors',
    { monitoring: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
    /every pod is scraped twice/,
  ],
  ['an Ingress without a host', { edge: { ingress: { enabled: true } } }, /edge\.ingress\.hosts: not set/],
  ['a route without a Gateway', { edge: { httpRoute: { enabled: true } } }, /edge\.httpRoute\.parentRefs: not set/],
];

describe('what the Helm chart refuses (needs helm, or Go to build it)', () => {
  let chart: Chart;

  before(async function () {
    chart = new Chart(await needTool(this, HELM));
  });

  for (const [what, values, said] of WRONG) {
    it(`refuses ${what}, by its schema`, async () => {
      const words = await chart.refusal(over(MINIMAL, values));
      assert.match(words, /values don't meet the specifications of the schema/);
      assert.match(words, said);
    });
  }

  for (const [what, values, said] of CONTRADICTIONS) {
    it(`refuses ${what}`, async () => {
      const words = await chart.refusal(over(MINIMAL, values));
      assert.match(words, /These values do not fit together/);
      assert.match(words, said);
    });
  }

  it('names every contradiction at once', async () => {
    const words = await chart.refusal({ edge: { terminationGracePeriodSeconds: 1 } });
    assert.equal(words.match(/^- /gm)?.length, 3, words);
  });

  it('repeats no secret in what it says', async () => {
    const secret = 'not-to-be-seen';
    const words = await chart.refusal({
      upstreams: { uris: [`https://builder.example/${secret}`], existingSecret: 'u' },
      apiKeys: { lines: [`app ${secret}`] },
      redis: { enabled: true, password: `${secret}@` },
      externalRedis: { url: `http://:${secret}@r` },
      tests: { url: `http://edge/ws/${secret}` },
    });
    assert.match(words, /These values do not fit together/);
    assert.doesNotMatch(words, new RegExp(secret));
  });
});
