import type { Format } from './format.ts';
import { flagName, variableName } from './names.ts';
import type { ServingProgram } from './program.ts';
import { admissionSettings } from './schema/admission.ts';
import { clientSettings } from './schema/clients.ts';
import { sharedSettings } from './schema/shared.ts';
import { upstreamSettings } from './schema/upstreams.ts';
import type { Setting } from './setting.ts';

const TABLE = { ...clientSettings, ...admissionSettings, ...upstreamSettings, ...sharedSettings };
type Table = typeof TABLE;

/** camelCase name of a setting. */
export type SettingKey = keyof Table;

/** A setting with its names. */
export interface NamedSetting extends Setting {
  readonly key: SettingKey;
  /** `LISTEN_ADDR` */
  readonly variable: string;
  /** `listen-addr`, without the dashes in front. */
  readonly flag: string;
}

/** Every setting there is, in the order in which help and problems list them. */
export const SETTINGS: readonly NamedSetting[] = (Object.keys(TABLE) as SettingKey[]).map((key) => ({
  ...TABLE[key],
  key,
  variable: variableName(key),
  flag: flagName(key),
}));

/** The settings that a program takes. */
export function settingsOf(program: ServingProgram): readonly NamedSetting[] {
  return SETTINGS.filter((setting) => setting.programs.includes(program));
}

type ValueOf<K extends SettingKey> = Table[K]['format'] extends Format<infer T> ? T : never;

type KeysOf<P extends ServingProgram> = {
  [K in SettingKey]: P extends Table[K]['programs'][number] ? K : never;
}[SettingKey];

/** Settings that are always there: by their default, or because the program does not start without them. */
type PresentKeysOf<P extends ServingProgram> = {
  [K in KeysOf<P>]: Table[K] extends { readonly default: unknown }
    ? K
    : Table[K] extends { readonly required: readonly (infer R)[] }
      ? P extends R
        ? K
        : never
      : never;
}[KeysOf<P>];

/** What the schema makes of a program's settings: each in force, by its camelCase name, frozen. */
export type SettingsFor<P extends ServingProgram> = {
  readonly [K in PresentKeysOf<P>]: ValueOf<K>;
} & {
  readonly [K in Exclude<KeysOf<P>, PresentKeysOf<P>>]?: ValueOf<K>;
};
