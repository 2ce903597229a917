/** What a browser is told about the page's files. Everything is forbidden but what the page does. */

const NOTHING_ELSE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page loads its own files and listens to its own process; no inline script or style, no markup made of text. */
const PAGE_POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'",
  NOTHING_ELSE,
  "require-trusted-types-for 'script'; trusted-types flashcast",
].join('; ');

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': PAGE_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

const STREAM_ORIGIN = /^wss?:\/\/(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Whether text is the origin of a WebSocket server and nothing else, so that it may stand in a header. */
export function isStreamOrigin(text: string): boolean {
  return STREAM_ORIGIN.test(text) && URL.canParse(text);
}

/**
 * The headers of the worker that connects to the stream: it alone may run WebAssembly, which brotli needs, and connect to
 * another port, which is the one that the user named.
 *
 * @param origin see {@link isStreamOrigin}
 */
export function workerHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    ...PAGE_HEADERS,
    'Content-Security-Policy': `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${origin}; ${NOTHING_ELSE}`,
  };
}
