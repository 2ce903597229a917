import { readFileSync } from 'node:fs';

/**
 * A script's source, its comments blanked. It goes along with every call (EVAL): with a script cache that is empty after
 * a failover, EVALSHA would let calls in flight overtake each other, and a few KB are nothing.
 */
export function loadScript(file: URL): string {
  return readFileSync(file, 'utf8').replaceAll(/^\s*--.*$/gm, '');
}
