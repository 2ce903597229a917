import type { SettingKey } from './schema.ts';
import type { ServingProgram } from './program.ts';

/** Why a setting is refused, and the values that are accepted because they ask for nothing. */
interface LaterFeature {
  /** A sentence for the operator: what does not work in this release. */
  readonly sentence: string;
  /** Values, as read, that mean 'feature off'. */
  readonly off?: readonly unknown[];
  /** Programs in which it does not work; all when absent. */
  readonly programs?: readonly ServingProgram[];
}

/**
 * Settings whose feature is not in this release. Accepting them silently would leave an operator with a protection that
 * is not there, so a value that asks for the feature ends the start with the sentence.
 */
export const LATER: Readonly<Partial<Record<SettingKey, LaterFeature>>> = {
  otelExporterOtlpEndpoint: { sentence: 'This release sends no traces.' },
};

/** @returns what does not work yet of a setting in a program; `undefined` when it works */
export function laterFeature(key: SettingKey, program: ServingProgram): LaterFeature | undefined {
  const later = LATER[key];
  return later === undefined || later.programs?.includes(program) === false ? undefined : later;
}
