import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/knocks.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes of this machine, from Linux' /proc; those that end meanwhile are left out. */
function processes(): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        return [];
      }
    });
}

/** A process' children, theirs and so on. */
function descendantsOf(pid: number, all = processes()): Running[] {
  return all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...descendantsOf(child.pid, all)]);
}

describe('npm run bench, interrupted on Linux', function () {
  this.timeout(120_000);

  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)
    it(`ends everything that it started at ${signal}`, async () => {
      const flags = ['--row', 'ingests'];
      // To npm alone, as a supervisor sends it; a terminal sends it to all of them.
      const npm = spawn('npm', ['run', '--ignore-scripts', 'bench', '--', ...flags], {
        cwd: PROJECT,
        stdio: 'ignore',
        detached: true,
      });
      const exited = once(npm, 'exit');
      let started: Running[] = [];
      try {
        // Ingest, edge and, where it is no container, Redis run by then.
        await eventually(() => {
          started = descendantsOf(npm.pid!);
          const isThere = (part: RegExp): boolean => started.some(({ command }) => part.test(command));
          return Promise.resolve(isThere(/flashcast\.js edge/) && isThere(/flashcast\.js bench ws:/));
        }, 'a load');
        npm.kill(signal);
        const [code, by] = (await exited) as [number | null, NodeJS.Signals | null];
        assert.ok(code === status || by === signal, `${code} ${by}`);
        await eventually(() => {
          const pids = new Set(processes().map(({ pid }) => pid));
          return Promise.resolve(started.every(({ pid }) => !pids.has(pid)));
        }, 'the end of all that was started');
      } finally {
        for (const { pid } of started)
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            continue;
          }
      }
    });
});
