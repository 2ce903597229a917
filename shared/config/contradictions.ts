import { isDeepStrictEqual } from 'node:util';
import type { ListenAddress } from './formats/addresses.ts';
import { parseRedisUrl, type RedisMode } from './formats/redis-url.ts';
import type { Candidate } from './layers/layer.ts';
import type { ServingProgram } from './program.ts';
import { SETTINGS, settingsOf, type SettingKey } from './schema.ts';
import type { Effective } from './validate.ts';

/**
 * What is wrong although each value by itself is right: settings that are required and not given, and settings that
 * contradict each other. Only values that were read are compared, so that one mistake is not reported twice.
 */
export function findContradictions(program: ServingProgram, effective: Effective): string[] {
  return [
    ...missing(program, effective),
    ...tooLate(effective),
    ...samePort(effective),
    ...redis(effective),
    ...workers(program, effective),
    ...tls(effective),
    ...proxyProtocol(effective),
    ...labels(effective),
  ];
}

function missing(program: ServingProgram, { values, candidates }: Effective): string[] {
  return settingsOf(program)
    .filter((setting) => setting.required?.includes(program) === true)
    .filter((setting) => setting.key !== 'upstreamWs' || values.get('demo') !== true)
    .filter(({ key }) => !candidates.has(key) || isDeepStrictEqual(values.get(key), []))
    .map(({ variable, format }) => {
      const demo = variable === 'UPSTREAM_WS' && program === 'proxy' ? ' (or --demo for the built-in builder)' : '';
      return `${variable}: not set, expected ${format.expected}${demo}`;
    });
}

/** Pairs of times where the first must come before the second has passed. */
const ORDERED_TIMES: readonly {
  readonly sooner: SettingKey;
  readonly later: SettingKey;
  readonly mayBeEqual: boolean;
  /** Only looked at when this setting is on. */
  readonly when?: SettingKey;
  readonly why: string;
}[] = [
  {
    sooner: 'subscriberPingIntervalMs',
    later: 'subscriberPongTimeoutMs',
    mayBeEqual: false,
    why: 'else a quiet upstream is dead before it was pinged again',
  },
  {
    sooner: 'clientPingIntervalMs',
    later: 'clientPongTimeoutMs',
    mayBeEqual: false,
    when: 'clientPingEnabled',
    why: 'else a healthy client is ended before it was pinged again',
  },
  {
    sooner: 'drainDelayMs',
    later: 'drainTimeoutMs',
    mayBeEqual: true,
    why: 'the drain time includes the delay',
  },
  {
    sooner: 'limitTimeoutMs',
    later: 'leaseTtlMs',
    mayBeEqual: false,
    why: 'else a lease expires before Redis is known to be away',
  },
];

function tooLate({ values, candidates }: Effective): string[] {
  const found: string[] = [];
  for (const { sooner, later, mayBeEqual, when, why } of ORDERED_TIMES) {
    const [first, second] = [values.get(sooner), values.get(later)];
    if (typeof first !== 'number' || typeof second !== 'number') continue;
    if (when !== undefined && values.get(when) !== true) continue;
    if (first < second || (mayBeEqual && first === second)) continue;
    const relation = mayBeEqual ? 'at most' : 'less than';
    found.push(
      `${naming(sooner, candidates)} (${first}): expected ${relation} ${naming(later, candidates)} (${second}), ${why}`,
    );
  }
  return found;
}

const EVERY_ADDRESS = ['0.0.0.0', '::'];

function samePort({ values, candidates }: Effective): string[] {
  if (values.get('metrics') !== true) return [];
  const clients = values.get('listenAddr') as ListenAddress | undefined;
  const metrics = values.get('metricsAddr') as ListenAddress | undefined;
  if (clients === undefined || metrics === undefined || clients.port === 0 || clients.port !== metrics.port) return [];
  const hosts = [clients.host, metrics.host];
  if (clients.host !== metrics.host && !hosts.some((host) => EVERY_ADDRESS.includes(host))) return [];
  return [
    `${naming('metricsAddr', candidates)}: expected another port than ${naming('listenAddr', candidates)}, both are ${clients.port}`,
  ];
}

function redis({ values, candidates }: Effective): string[] {
  const mode = values.get('redisMode') as RedisMode | undefined;
  const url = values.get('redisUrl');
  const target = typeof url === 'string' ? parseRedisUrl(url) : undefined;
  if (target === undefined || mode === undefined) return [];
  const [modeName, urlName] = [naming('redisMode', candidates), naming('redisUrl', candidates)];
  if (mode === 'standalone' && target.mode === mode && target.nodes.length > 1) {
    return [
      `${urlName}: names ${target.nodes.length} servers, expected one, or a URL of redis+sentinel or redis+cluster`,
    ];
  }
  if (mode === target.mode) return [];
  if (mode !== 'cluster' || target.mode !== 'standalone') {
    return [`${modeName}: received "${mode}", but ${urlName} is one for ${target.mode}`];
  }
  if (target.database === 0) return [];
  return [`${modeName}: a cluster has no database ${target.database}, which ${urlName} asks for`];
}

function workers(program: ServingProgram, { values, candidates }: Effective): string[] {
  const count = values.get('edgeWorkers') as number | 'auto' | undefined;
  if (program !== 'proxy' || count === undefined || count === 1) return [];
  return [
    `${naming('edgeWorkers', candidates)}: received "${count}", expected 1, as a proxy is one process; for more cores run flashcast ingest and flashcast edge with a Redis`,
  ];
}

function tls({ values, candidates }: Effective): string[] {
  const pair = ['tlsCertFile', 'tlsKeyFile'] as const;
  const [given, ...more] = pair.filter((key) => candidates.has(key));
  if (given === undefined || more.length > 0 || !values.has(given)) return [];
  const missing = given === 'tlsCertFile' ? 'TLS_KEY_FILE' : 'TLS_CERT_FILE';
  return [`${missing}: not set, expected the path of a file, as ${naming(given, candidates)} is set`];
}

function proxyProtocol({ values, candidates }: Effective): string[] {
  const nobody = isDeepStrictEqual(values.get('trustedProxies'), ['none']);
  if (values.get('proxyProtocol') !== true || !nobody) return [];
  return [
    `${naming('proxyProtocol', candidates)}: expected ${naming('trustedProxies', candidates)} to name the balancers that speak it; with none nobody could connect`,
  ];
}

function labels({ values, candidates }: Effective): string[] {
  const global = values.get('metricsGlobalLabels') as Readonly<Record<string, string>> | undefined;
  if (values.get('metricsHostLabel') !== true || global === undefined || !Object.hasOwn(global, 'hostname')) return [];
  return [
    `${naming('metricsGlobalLabels', candidates)}: expected no label hostname, as ${naming('metricsHostLabel', candidates)} sets it`,
  ];
}

/** A setting as its source calls it. */
function naming(key: SettingKey, candidates: ReadonlyMap<SettingKey, Candidate>): string {
  const candidate = candidates.get(key);
  if (candidate !== undefined && candidate.source !== 'default') return candidate.name;
  return `${SETTINGS.find((setting) => setting.key === key)?.variable ?? key} by default`;
}
