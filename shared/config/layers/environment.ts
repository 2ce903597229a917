import { parseEnv } from 'node:util';
import { settingsOf } from '../schema.ts';
import type { ServingProgram } from '../program.ts';
import { readBoundedFile } from './bounded-file.ts';
import { LayerBuilder, type Layer } from './layer.ts';
import { addFromFile } from './secret-file.ts';

/** A map of variables, as `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables of a program. An empty variable counts as not set; variables of other programs are no concern of
 * this one, so that one env file serves all.
 */
export function readEnvironment(program: ServingProgram, variables: Variables, cwd: string): Layer {
  return readVariables(program, variables, cwd, new LayerBuilder('environment'), '');
}

/** Far above any real one. */
const MAX_DOT_ENV_BYTES = 262_144;

/** Reads `.env` of the working directory, which ranks below the environment; none is fine. */
export function readDotEnv(program: ServingProgram, cwd: string): Layer {
  const builder = new LayerBuilder('.env');
  const file = readBoundedFile('.env', cwd, MAX_DOT_ENV_BYTES);
  if (!file.ok) {
    if (!file.missing) builder.problems.push(`.env: the file in the working directory ${file.reason}`);
    return builder;
  }
  return readVariables(program, parseEnv(file.text), cwd, builder, ' in .env');
}

function readVariables(
  program: ServingProgram,
  variables: Variables,
  cwd: string,
  builder: LayerBuilder,
  place: string,
): Layer {
  const valueOf = (name: string): string => (Object.hasOwn(variables, name) ? (variables[name] ?? '') : '');
  for (const setting of settingsOf(program)) {
    if (setting.flagOnly === true) continue;
    for (const name of [setting.variable, ...(setting.aliases ?? [])]) {
      const text = valueOf(name);
      if (text !== '') builder.add(setting, text, `${name}${place}`);
    }
    const fileVariable = `${setting.variable}_FILE`;
    const path = setting.fromFile === true ? valueOf(fileVariable) : '';
    if (path !== '') addFromFile(builder, setting, path, `${fileVariable}${place}`, cwd);
  }
  return builder;
}
