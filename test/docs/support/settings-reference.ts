import { laterFeature } from '../../../shared/config/later.ts';
import { SETTINGS, type NamedSetting } from '../../../shared/config/schema.ts';
import { GROUPS } from '../../../shared/config/setting.ts';
import { cell } from './table.ts';

/** The page of all settings, made from the schema. */
export function settingsReference(): string {
  return [
    '# Settings',
    '',
    'Made from the schema in `shared/config/schema` by `npm run docs`. What they mean together: [configuration.md](../configuration.md).',
    '',
    'A setting is a flag, a variable, a field of the `--config` file (the camelCase of the variable) or a line of `.env`.',
    'A name in brackets is a further one with the same meaning.',
    ...GROUPS.flatMap(section),
    '',
  ].join('\n');
}

function section(group: (typeof GROUPS)[number]): string[] {
  const members = SETTINGS.filter((setting) => setting.group === group);
  return [
    '',
    `## ${group}`,
    '',
    '| variable | flag | programs | default | meaning |',
    '|---|---|---|---|---|',
    ...members.map(row),
  ];
}

function row(setting: NamedSetting): string {
  const { variable, flag, aliases = [], flagAliases = [], programs, fromFile, flagOnly, help, format } = setting;
  const variables = flagOnly === true ? [] : [variable, ...(fromFile === true ? [`${variable}_FILE`] : [])];
  const [program] = programs;
  const later = program === undefined ? undefined : laterFeature(setting.key, program);
  return `| ${[
    names(variables, aliases),
    names(
      [`--${flag}`],
      flagAliases.map((name) => `--${name}`),
    ),
    programs.join(', '),
    defaultText(setting),
    `${help}${format.standsAlone ? '' : ` (${format.placeholder})`}${later === undefined ? '' : ` **Not in this release.** ${later.sentence}`}`,
  ]
    .map(cell)
    .join(' | ')} |`;
}

function names(own: readonly string[], further: readonly string[]): string {
  return [...own.map((name) => `\`${name}\``), ...further.map((name) => `(\`${name}\`)`)].join(' ');
}

function defaultText({ default: fallback, defaultFor = {}, required = [] }: NamedSetting): string {
  const common = fallback === undefined ? '' : typeof fallback === 'string' ? code(fallback) : fallback.text;
  const own = Object.entries(defaultFor).map(([program, value]) => `${program}: ${code(value)}`);
  const needed = required.length === 0 ? '' : `required in ${required.join(' and ')}`;
  return [common, ...own, needed].filter((text) => text !== '').join('; ');
}

function code(value: string): string {
  return value === '' ? '' : `\`${value}\``;
}
