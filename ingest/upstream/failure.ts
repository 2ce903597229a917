/**
 * Why a connection to an upstream ended: the closed list that logs use. Messages of errors are never passed on, as they
 * may hold parts of the URI or what the upstream answered.
 */
export type EndReason =
  | 'closed'
  | 'dns'
  | 'error'
  | 'handshake'
  | 'http_status'
  | 'oversized'
  | 'protocol'
  | 'refused'
  | 'reset'
  | 'silent'
  | 'timeout'
  | 'tls'
  | 'unreachable';

/** How a connection ended. */
export interface ConnectionEnd {
  readonly reason: EndReason;
  /** The handshake had been answered with an upgrade. */
  readonly opened: boolean;
  /** The answer to the handshake, with `http_status`. */
  readonly httpStatus?: number;
  /** What the upstream's Close frame said, with `closed`; 1005 when it said nothing. */
  readonly closeCode?: number;
}

const BY_CODE: Readonly<Record<string, EndReason>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  EPROTO: 'tls',
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'oversized',
};

/** OpenSSL's verification codes and Node's own for TLS. */
const TLS_CODE =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERROR_IN_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH)/;

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/**
 * Puts an error of a connection into the closed list.
 *
 * @param opened whether it came after the handshake
 */
export function classifyError(error: unknown, opened: boolean): EndReason {
  const code = codeOf(error);
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (TLS_CODE.test(code)) return 'tls';
  // ws names what breaks the protocol; what the HTTP parser or ws refuse before the upgrade is a broken handshake.
  if (code.startsWith('WS_ERR_')) return 'protocol';
  return opened ? 'error' : 'handshake';
}
