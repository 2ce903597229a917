import { trustedProxies } from '../formats/addresses.ts';
import { apiKeys, filePath, headerName } from '../formats/names.ts';
import { milliseconds, wholeNumber } from '../formats/numbers.ts';
import { boolean, oneOf } from '../formats/words.ts';
import type { Setting } from '../setting.ts';

/** Who a client is and what it may do. */
export const admissionSettings = {
  trustedProxies: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: trustedProxies,
    default: 'loopback,private',
    help: 'CIDRs, loopback and private: proxies whose address header is believed, walked from the right. none believes nobody, all takes the last entry.',
  },
  ipAddrHttpHeader: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: headerName,
    default: 'X-Forwarded-For',
    help: "Header in which trusted proxies name a client's address.",
  },
  ipv6Prefix: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 128),
    default: '64',
    help: 'Bits of an IPv6 address that make one client.',
  },
  proxyProtocol: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: boolean,
    default: 'false',
    help: 'Require the PROXY protocol, v1 or v2, from TRUSTED_PROXIES; nobody else may connect.',
  },
  perIpConnectionLimit: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: wholeNumber(0, 1_000_000),
    default: '10',
    help: 'Connections of one IP address at most, on all processes of one Redis together; 0 is no limit.',
  },
  connectRatePerIp: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: wholeNumber(0, 1_000_000),
    default: '0',
    defaultFor: { edge: '10' },
    help: 'New connections per second and IP address; 0 is no limit.',
  },
  connectBurstPerIp: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 1_000_000),
    default: '50',
    help: 'New connections of an IP address that may come at once.',
  },
  maxPendingPerIp: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: wholeNumber(1, 1_000_000),
    default: '50',
    help: 'Connections of one IP address that have not become a WebSocket yet.',
  },
  apiKeys: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: apiKeys,
    secret: true,
    help: 'Keys of applications, app:key or app:key:limit. With keys, only clients that have one are served.',
  },
  apiKeysFile: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: filePath,
    help: 'File with one key per line, app sha256:HEX [limit=N] [expires=TIME]; read again on change and on SIGHUP.',
  },
  publicAccessEnabled: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: boolean,
    default: 'false',
    help: 'Serve clients without a key although keys are set.',
  },
  leaseTtlMs: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '30000',
    help: 'Milliseconds until the slots of a process that died are free again.',
  },
  limitFailMode: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: oneOf('local', 'open', 'closed'),
    default: 'local',
    help: 'What holds while Redis does not answer a limit check.',
  },
  limitTimeoutMs: {
    group: 'Client addresses and limits',
    programs: ['proxy', 'edge'],
    format: milliseconds,
    default: '250',
    help: 'Milliseconds in which Redis must answer a limit check.',
  },
} as const satisfies Record<string, Setting>;
