import type { IncomingMessage } from 'node:http';
import { type Refusal, badRequest } from '../admission/refusal.ts';
import { headerLines } from './header-lines.ts';

type Request = Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'>;

/** Browsers send some 20 lines and proxies add a few. Apache's default too. */
const MAX_HEADER_LINES = 100;

const TOO_MANY_HEADERS: Refusal = { status: 431, message: 'Too many header lines', result: 'bad_request' };

/** Whether a body follows a request's head, or is said to. */
export function hasBody(request: Pick<Request, 'rawHeaders'>): boolean {
  const lengths = headerLines(request, 'content-length') ?? [];
  return headerLines(request, 'transfer-encoding') !== undefined || lengths.some((length) => length !== '0');
}

/** What is wrong with any request beyond what HTTP's parser checks. */
export function requestProblem(request: Request): Refusal | undefined {
  const hosts = headerLines(request, 'host')?.length ?? 0;
  return hosts === 1 || (hosts === 0 && request.httpVersion === '1.0')
    ? undefined
    : badRequest('Expected one Host header');
}

/**
 * What is wrong with a request for an upgrade beyond what HTTP's parser and the handshake check: anything on which two parties along
 * its way could disagree where it ends or whom it is for.
 */
export function upgradeProblem(request: Request): Refusal | undefined {
  if (request.rawHeaders.length / 2 > MAX_HEADER_LINES) return TOO_MANY_HEADERS;
  if (request.httpVersion !== '1.1') return badRequest('Expected HTTP/1.1');
  if (hasBody(request)) return badRequest('Expected no body');
  // Of several Node keeps the first; a proxy on the way may have looked at another one.
  if (new Set(headerLines(request, 'authorization')).size > 1) return badRequest('Expected one Authorization header');
  return requestProblem(request);
}
