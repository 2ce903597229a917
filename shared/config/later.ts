import type { SettingKey } from './schema.ts';
import type { ServingProgram } from './program.ts';

/** Why a setting is refused, and the values that are accepted because they ask for nothing. */
interface LaterFeature {
  /** A sentence for the operator: what does not work in this release. */
  readonly sentence: string;
  /** Values, as read, that mean 'feature off'. */
  readonly off?: readonly unknown[];
  /** Programs in which it does not work; all when absent. */
  readonly programs?: readonly ServingProgram[];
}

const KEYS = 'API keys are not checked by this release: every client is let in.';
const LIMITS = 'Limits per IP address are not enforced by this release.';
const SHARED_LIMITS = 'Limits shared through Redis are not enforced by this release.';
const TLS = 'This release does not serve TLS itself: put a TLS terminating proxy in front.';

/**
 * Settings whose feature is not in this release. Accepting them silently would leave an operator with a protection that
 * is not there, so a value that asks for the feature ends the start with the sentence.
 */
export const LATER: Readonly<Partial<Record<SettingKey, LaterFeature>>> = {
  apiKeys: { sentence: KEYS },
  apiKeysFile: { sentence: KEYS },
  publicAccessEnabled: { sentence: KEYS, off: [false] },
  perIpConnectionLimit: { sentence: LIMITS, off: [0] },
  connectRatePerIp: { sentence: LIMITS, off: [0] },
  connectBurstPerIp: { sentence: LIMITS },
  maxPendingPerIp: { sentence: LIMITS },
  ipv6Prefix: { sentence: LIMITS },
  leaseTtlMs: { sentence: SHARED_LIMITS },
  limitFailMode: { sentence: SHARED_LIMITS },
  limitTimeoutMs: { sentence: SHARED_LIMITS },
  redisUrl: { sentence: `${SHARED_LIMITS} The proxy needs Redis for nothing else.`, programs: ['proxy'] },
  proxyProtocol: { sentence: 'The PROXY protocol is not read by this release.', off: [false] },
  tlsCertFile: { sentence: TLS },
  tlsKeyFile: { sentence: TLS },
  edgeWorkers: { sentence: 'This release serves from one process: start more edges instead.', off: [1] },
  maxFilterTerms: { sentence: 'Filters are not evaluated by this release.' },
  statusPage: { sentence: 'This release has no status page: /status.json has its figures.', off: [false] },
  otelExporterOtlpEndpoint: { sentence: 'This release sends no traces.' },
};

/** @returns what does not work yet of a setting in a program; `undefined` when it works */
export function laterFeature(key: SettingKey, program: ServingProgram): LaterFeature | undefined {
  const later = LATER[key];
  return later === undefined || later.programs?.includes(program) === false ? undefined : later;
}
