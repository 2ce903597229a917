import { STATUS_CODES } from 'node:http';
import type { AdmissionResult } from '../../shared/metrics/edge-metrics.ts';

/** Why a request is not served: an HTTP status, a message for the client, and how it is counted. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly result: AdmissionResult;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Seconds. A full edge rarely empties at once; sooner retries only cost handshakes. */
const FULL_RETRY_AFTER = '5';
/** Seconds. The balancer has other edges for the next attempt. */
const DRAINING_RETRY_AFTER = '1';

export const NOT_FOUND: Refusal = { status: 404, message: 'Not found', result: 'not_found' };

export const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  message: 'Expected a WebSocket upgrade',
  result: 'upgrade_required',
  headers: { Upgrade: 'websocket' },
};

export const DRAINING: Refusal = {
  status: 503,
  message: 'Draining',
  result: 'draining',
  headers: { 'Retry-After': DRAINING_RETRY_AFTER },
};

export const INSTANCE_FULL: Refusal = {
  status: 429,
  message: 'Global limit',
  result: 'instance_limit',
  headers: { 'Retry-After': FULL_RETRY_AFTER },
};

/** The request took a step of the admission that failed for a reason of the edge's own. */
export const INTERNAL_ERROR: Refusal = { status: 500, message: 'Internal error', result: 'handshake_failed' };

/** @param message which parameter, and what was expected; never what was sent */
export function badRequest(message: string): Refusal {
  return { status: 400, message, result: 'bad_request' };
}

/** Headers and body of a refusal; the connection ends after it. */
export function refusalParts(refusal: Pick<Refusal, 'status' | 'message' | 'headers'>): {
  headers: Record<string, string>;
  body: string;
} {
  const body = JSON.stringify({ message: refusal.message });
  return {
    headers: {
      ...refusal.headers,
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: 'close',
    },
    body,
  };
}

/** A refusal as the bytes of a whole HTTP answer, for sockets that have left the HTTP server. */
export function refusalBytes(refusal: Pick<Refusal, 'status' | 'message' | 'headers'>): string {
  const { headers, body } = refusalParts(refusal);
  return rawAnswer(refusal.status, headers, body);
}

/** A whole HTTP/1.1 answer. */
export function rawAnswer(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
