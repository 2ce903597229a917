import { processTerminal, type Terminal } from './terminal.ts';

/** Where a tool writes and what interrupts it. Handed in, so that tests run tools without a process of their own. */
export interface ToolIo {
  /** Results. */
  readonly stdout: NodeJS.WritableStream;
  /** Problems and remarks. */
  readonly stderr: NodeJS.WritableStream;
  /** Aborted when the tool is to end. */
  readonly interrupted: AbortSignal;
  /** Where `stdout` is one. */
  readonly terminal?: Terminal;
}

/** Runs a tool on the process' own streams; SIGINT and SIGTERM interrupt it. */
export async function withProcessIo(run: (io: ToolIo) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const interrupt = (): void => {
    controller.abort();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const { stdout, stderr } = process;
    const terminal = processTerminal();
    return await run({ stdout, stderr, interrupted: controller.signal, ...(terminal !== undefined && { terminal }) });
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Lists what is wrong with a command line, and where help is; the exit status for it. */
export function refuseUsage(io: ToolIo, program: string, problems: readonly string[]): 2 {
  for (const problem of problems) io.stderr.write(`flashcast ${program}: ${problem}\n`);
  io.stderr.write(`Try 'flashcast ${program} --help'.\n`);
  return 2;
}
