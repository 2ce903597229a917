import type { Given } from '../format.ts';
import type { NamedSetting, SettingKey } from '../schema.ts';

/** Where an effective value came from, the strongest first. */
export type Source = 'flag' | 'environment' | 'config file' | '.env' | 'default';

/** A value as one source gave it. */
export interface Candidate {
  readonly given: Given;
  readonly source: Source;
  /** How the source calls it, for a problem to point at: `--listen-addr`, `LISTEN_ADDR`, `REDIS_URL_FILE in .env`. */
  readonly name: string;
}

/** What one source gave, and what was wrong with it. */
export interface Layer {
  readonly candidates: ReadonlyMap<SettingKey, Candidate>;
  readonly problems: readonly string[];
}

/** Adds up a {@link Layer}. */
export class LayerBuilder {
  readonly candidates = new Map<SettingKey, Candidate>();
  readonly problems: string[] = [];
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Takes a value; two different names of one setting in one source must not say different things. */
  add(setting: NamedSetting, given: Given, name: string): void {
    const earlier = this.candidates.get(setting.key);
    if (earlier === undefined) {
      this.candidates.set(setting.key, { given, source: this.#source, name });
    } else if (!sameMeaning(setting, earlier.given, given)) {
      this.problems.push(`${name}: contradicts ${earlier.name}; expected only one of them`);
    }
  }
}

function sameMeaning(setting: NamedSetting, one: Given, other: Given): boolean {
  return JSON.stringify(setting.format.parse(one)) === JSON.stringify(setting.format.parse(other));
}

/** A name that a source may use, and whether it names the file that holds the value rather than the value. */
export interface KnownName {
  readonly setting: NamedSetting;
  readonly isFile: boolean;
}

/** All names of settings in one spelling, those of `NAME_FILE` included. */
export function namesOf(
  settings: readonly NamedSetting[],
  nameOf: (setting: NamedSetting) => string,
  fileSuffix: string,
  aliasesOf: (setting: NamedSetting) => readonly string[] = () => [],
): ReadonlyMap<string, KnownName> {
  const names = new Map<string, KnownName>();
  for (const setting of settings) {
    for (const name of [nameOf(setting), ...aliasesOf(setting)]) names.set(name, { setting, isFile: false });
    if (setting.fromFile === true) names.set(`${nameOf(setting)}${fileSuffix}`, { setting, isFile: true });
  }
  return names;
}
