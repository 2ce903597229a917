import type { IncomingMessage } from 'node:http';

/**
 * The lines of a header in their order, as `headersDistinct` has them. That one throws at a line whose name is `__proto__` in
 * releases of Node from before March 2026 (CVE-2026-21710), and so would end the process.
 *
 * @param name in lower case
 * @returns `undefined` where there is none
 */
export function headerLines({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, name: string): string[] | undefined {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === name) lines.push(rawHeaders[at + 1] ?? '');
  return lines.length === 0 ? undefined : lines;
}
