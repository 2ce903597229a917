import type { ServingProgram } from './program.ts';
import { settingsOf } from './schema.ts';
import { show, type Effective } from './validate.ts';

/** The settings in force with their sources, secrets masked: one per line, YAML with the source as its comment. */
export function printConfig(program: ServingProgram, effective: Effective): string {
  const lines = settingsOf(program).flatMap((setting) => {
    const candidate = effective.candidates.get(setting.key);
    if (candidate === undefined) return [];
    const { given, source, name } = candidate;
    const shown = setting.secret === true ? JSON.stringify(show(setting, given)) : show(setting, given);
    return [
      [`${setting.key}: ${given === '' ? '""' : shown}`, source === 'default' ? source : `${source}: ${name}`] as const,
    ];
  });
  const width = Math.max(...lines.map(([value]) => value.length));
  return lines.map(([value, source]) => `${value.padEnd(width)}  # ${source}\n`).join('');
}
