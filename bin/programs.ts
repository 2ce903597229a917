import type { ServingProgram } from '../shared/config/program.ts';
import type { SettingsFor } from '../shared/config/schema.ts';
import type { Logger } from '../shared/log.ts';
import type { Lifecycle } from './serve.ts';

/** Makes a program from its settings; it does nothing until it is started. */
export type CreateProgram<P extends ServingProgram> = (settings: SettingsFor<P>, log: Logger) => Lifecycle;

/** The serving programs. Each is loaded when it is asked for, with its own modules only. */
export const PROGRAMS: { readonly [P in ServingProgram]: () => Promise<CreateProgram<P>> } = {
  proxy: async () => (await import('./proxy.ts')).createProxy,
  ingest: async () => (await import('./ingest.ts')).createIngest,
  edge: async () => (await import('./edge.ts')).createEdge,
};

/** A tool parses its own flags and gives its exit status. */
export type RunTool = (argv: readonly string[]) => Promise<number>;

export const TOOLS = {
  simulate: async (): Promise<RunTool> => (await import('../tools/simulate/run.ts')).runSimulate,
  watch: async (): Promise<RunTool> => (await import('../tools/watch/run.ts')).runWatch,
  bench: async (): Promise<RunTool> => (await import('../tools/bench/run.ts')).runBench,
  keys: async (): Promise<RunTool> => (await import('../tools/keys/run.ts')).runKeys,
  completion: async (): Promise<RunTool> => (await import('../tools/completion/run.ts')).runCompletion,
} as const;

export type Tool = keyof typeof TOOLS;

export function isServingProgram(name: string): name is ServingProgram {
  return Object.hasOwn(PROGRAMS, name);
}

export function isTool(name: string): name is Tool {
  return Object.hasOwn(TOOLS, name);
}
