// Builds dist/: the compiled TypeScript, and beside it the Lua scripts that are read at run time.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
rmSync('dist', { recursive: true, force: true });
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
cpSync('shared', 'dist/shared', { recursive: true, filter: (source) => !/\.ts$/.test(source) });
chmodSync('dist/bin/flashcast.js', 0o755);
