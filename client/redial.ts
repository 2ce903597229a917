import { ClientError } from './event.ts';
import type { ConnectionEnd } from './transport.ts';

export interface RedialRules {
  readonly reconnect: boolean;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export interface DialHistory {
  /** Ends since the last message. */
  readonly failures: number;
  /** Whether this dial named a position on the client's own account. */
  readonly resumed: boolean;
  /** Whether an earlier dial was let in. */
  readonly worked: boolean;
}

export type Redial =
  | { readonly kind: 'fail'; readonly error: ClientError }
  | { readonly kind: 'wait'; readonly delayMs: number }
  /** At once, and this time from where the stream is: the server may not know the parameters, or one on the way may not. */
  | { readonly kind: 'plain' };

/** Refusals that waiting does not cure: the request, the key or the address is wrong. See also {@link PERHAPS_FINAL}. */
const FINAL_STATUSES: readonly number[] = [400, 401, 403, 404, 405, 410, 414, 426, 431];
/**
 * What servers that do not know the parameters of a resume answer them with, and what a fleet that is being changed answers for a
 * while: final only for a URL that has never worked.
 */
const PERHAPS_FINAL: readonly number[] = [400, 404, 414];
/** The key was revoked or has expired, or the client broke the rules. */
const POLICY_VIOLATION = 1008;
/** A server may ask for patience, and not for more than this. */
const MAX_RETRY_AFTER_MS = 60_000;

/** A connection's end in words. */
export function describeEnd(end: ConnectionEnd): string {
  if (end.kind === 'failed') return end.reason;
  if (end.kind === 'refused')
    return `refused with HTTP status ${end.status}${end.reason === '' ? '' : `: ${end.reason}`}`;
  return `closed the connection: ${end.code}${end.reason === '' ? '' : ` ${end.reason}`}`;
}

/**
 * Full jitter: uniform between 0 and the ceiling, which doubles from try to try, so that clients that lost a server together
 * come back evenly.
 */
export function backoffMs({ backoffMs: first, maxBackoffMs }: RedialRules, failures: number, random: number): number {
  return random * Math.min(maxBackoffMs, first * 2 ** Math.min(failures, 30));
}

/** What comes after the end of a connection. Pure. */
export function redialAfter(end: ConnectionEnd, rules: RedialRules, history: DialHistory, random: number): Redial {
  const fail = (): Redial => {
    const detail =
      end.kind === 'refused' ? { status: end.status } : end.kind === 'closed' ? { code: end.code } : undefined;
    return { kind: 'fail', error: new ClientError(describeEnd(end), detail) };
  };
  const isPerhapsFinal = end.kind === 'refused' && PERHAPS_FINAL.includes(end.status);
  if (isPerhapsFinal && history.resumed) return { kind: 'plain' };
  if (!rules.reconnect) return fail();
  if (end.kind === 'refused' && FINAL_STATUSES.includes(end.status) && !(isPerhapsFinal && history.worked))
    return fail();
  if (end.kind === 'closed' && end.code === POLICY_VIOLATION) return fail();
  if (end.kind === 'failed' && end.final === true) return fail();
  const patienceMs = end.kind === 'refused' ? Math.min(end.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
  return { kind: 'wait', delayMs: Math.round(patienceMs + backoffMs(rules, history.failures, random)) };
}
