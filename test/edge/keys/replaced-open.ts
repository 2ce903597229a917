import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Puts another function in the place of the file system's own, until it is disposed of. */
export function replaceOpen(open: typeof promises.open): AsyncDisposable {
  const before = promises.open;
  promises.open = open;
  syncBuiltinESMExports();
  return {
    [Symbol.asyncDispose]: () => {
      promises.open = before;
      syncBuiltinESMExports();
      return Promise.resolve();
    },
  };
}
