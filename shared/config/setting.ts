import type { Format } from './format.ts';
import type { ServingProgram } from './program.ts';

/** What computed defaults are made of. */
export interface DefaultContext {
  readonly hostName: string;
  /** Tells two processes of one host apart. */
  readonly randomSuffix: string;
  /** The effective Redis URL as given; `undefined` when not given. */
  readonly redisUrl: string | undefined;
}

/** A default that depends on the machine or on another setting. */
export interface ComputedDefault {
  /** What the help text says in place of a value. */
  readonly text: string;
  readonly compute: (context: DefaultContext) => string;
}

/** The groups of the help text, in its order. */
export const GROUPS = [
  'Clients',
  'Client addresses and limits',
  'Upstreams',
  'Order and encoding',
  'Stream and Redis',
  'Operations',
] as const;

/** One row of the schema. Its key is the camelCase name; variable and flag follow from it. */
export interface Setting {
  readonly group: (typeof GROUPS)[number];
  readonly programs: readonly ServingProgram[];
  readonly format: Format<unknown>;
  /** As an operator would write it. Without it the setting is absent unless given. */
  readonly default?: string | ComputedDefault;
  readonly defaultFor?: Readonly<Partial<Record<ServingProgram, string>>>;
  /** Programs that do not start without it. */
  readonly required?: readonly ServingProgram[];
  /** Never shown: URIs are masked in part, everything else whole. */
  readonly secret?: true;
  /** `NAME_FILE` reads it from a file. */
  readonly fromFile?: true;
  /** Given on the command line or not at all. */
  readonly flagOnly?: true;
  /** Further variables with the same meaning. */
  readonly aliases?: readonly string[];
  /** Further flags with the same meaning, without the dashes in front. */
  readonly flagAliases?: readonly string[];
  readonly help: string;
}
