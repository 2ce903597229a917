import convict from 'convict';
import type { Given } from './format.ts';
import { laterFeature } from './later.ts';
import type { Candidate, Layer } from './layers/layer.ts';
import { showValue } from './mask.ts';
import type { ServingProgram } from './program.ts';
import { settingsOf, type NamedSetting, type SettingKey } from './schema.ts';
import type { DefaultContext } from './setting.ts';

/** The effective values of a program's settings. */
export interface Effective {
  /** As read by the formats; a setting that was refused, or is neither given nor has a default, is absent. */
  readonly values: ReadonlyMap<SettingKey, unknown>;
  /** As given, with their source; defaults included. */
  readonly candidates: ReadonlyMap<SettingKey, Candidate>;
  readonly problems: readonly string[];
}

/**
 * Lays the layers over the defaults, the strongest first in the list, and reads every effective value by its format.
 * Convict does both; its own message joins all problems in one text, so the formats collect them apart.
 */
export function validate(
  program: ServingProgram,
  layers: readonly Layer[],
  machine: Omit<DefaultContext, 'redisUrl'>,
): Effective {
  const settings = settingsOf(program);
  const redisUrl = strongest('redisUrl', layers)?.given;
  const context = { ...machine, redisUrl: typeof redisUrl === 'string' ? redisUrl : undefined };
  const candidates = new Map<SettingKey, Candidate>();
  const values = new Map<SettingKey, unknown>();
  const problems: string[] = [];

  const schema: Record<string, convict.SchemaObj<Given>> = {};
  for (const setting of settings) {
    const fallback = defaultOf(setting, program, context);
    const candidate =
      strongest(setting.key, layers) ??
      (fallback === undefined ? undefined : ({ given: fallback, source: 'default', name: setting.variable } as const));
    if (candidate !== undefined) candidates.set(setting.key, candidate);
    schema[setting.key] = {
      // A text in any case: convict would read a text by the type of its default, leniently.
      default: fallback ?? null,
      nullable: true,
      sensitive: setting.secret === true,
      format: (given: Given) => {
        const parsed = setting.format.parse(given);
        if (parsed.ok) {
          values.set(setting.key, parsed.value);
          return;
        }
        problems.push(
          `${candidate?.name ?? setting.variable}: received ${show(setting, given)}, expected ${parsed.expected}`,
        );
        throw new Error(parsed.expected);
      },
    };
  }
  const config = convict(schema, { env: {}, args: [] });
  for (const layer of layers.toReversed()) {
    config.load(Object.fromEntries([...layer.candidates].map(([key, { given }]) => [key, given])));
  }
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    // A throw without a collected problem is a mistake in the schema, not in the configuration.
    if (problems.length === 0) throw error;
  }
  return { values, candidates, problems: [...problems, ...refusals(program, settings, values, candidates)] };
}

function strongest(key: SettingKey, layers: readonly Layer[]): Candidate | undefined {
  return layers.map((layer) => layer.candidates.get(key)).find((candidate) => candidate !== undefined);
}

function defaultOf(setting: NamedSetting, program: ServingProgram, context: DefaultContext): string | undefined {
  const fallback = setting.defaultFor?.[program] ?? setting.default;
  return typeof fallback === 'object' ? fallback.compute(context) : fallback;
}

/** Settings given that ask for what this release does not do. */
function refusals(
  program: ServingProgram,
  settings: readonly NamedSetting[],
  values: ReadonlyMap<SettingKey, unknown>,
  candidates: ReadonlyMap<SettingKey, Candidate>,
): string[] {
  const found: string[] = [];
  for (const setting of settings) {
    const candidate = candidates.get(setting.key);
    const later = laterFeature(setting.key, program);
    if (later === undefined || candidate === undefined || candidate.source === 'default') continue;
    if (!values.has(setting.key) || later.off?.includes(values.get(setting.key)) === true) continue;
    found.push(`${candidate.name}: received ${show(setting, candidate.given)}. ${later.sentence}`);
  }
  return found;
}

/** A given value as problems and `--print-config` show it. */
export function show(setting: NamedSetting, given: Given): string {
  const texts = typeof given === 'string' ? (setting.format.isList ? given.split(',') : [given]) : given;
  if (setting.secret === true) return texts.map((text) => showValue(text.trim(), true)).join(',');
  return showValue(texts.join(','), false);
}
