import fc from 'fast-check';
import { loadSettings } from '../../../shared/config/load.ts';
import { SERVING_PROGRAMS } from '../../../shared/config/program.ts';
import { SETTINGS } from '../../../shared/config/schema.ts';
import { inDirectory } from './support.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    'ws://',
    'redis://@',
    '[::]:',
    '__proto__=1',
    '::ffff:1.2.3.4/97',
    '%',
    'a:b@c:d',
    '1.1.1.1/0,::/0',
    ',',
  ),
  fc.webUrl().map((url) => url.replace(/^https?/, 'ws')),
);
const setting = fc.constantFrom(...SETTINGS);
const program = fc.constantFrom(...SERVING_PROGRAMS);

/** Gives a result of a known kind, and a problem is one line. */
function isResult(...args: Parameters<typeof loadSettings>): boolean {
  const result = loadSettings(...args);
  return (
    result.kind !== 'problems' || (result.problems.length > 0 && result.problems.every((line) => !line.includes('\n')))
  );
}

describe('any text', () => {
  it('in any variable gives settings or problems, and never an error', () => {
    inDirectory({}, (cwd) => {
      const env = fc.array(fc.tuple(setting, text), { maxLength: 6 });
      fc.assert(
        fc.property(program, env, (name, entries) =>
          isResult(name, {
            argv: [],
            env: Object.fromEntries(entries.map(([{ variable }, value]) => [variable, value])),
            cwd,
          }),
        ),
        { numRuns: 300 },
      );
    });
  });

  it('as any argument gives settings or problems, and never an error', () => {
    const argument = fc.oneof(
      text,
      setting.map(({ flag }) => `--${flag}`),
      fc.tuple(setting, text).map(([{ flag }, value]) => `--${flag}=${value}`),
      fc.constantFrom(
        '-',
        '--',
        '-h',
        '--=',
        '--=x',
        '--__proto__',
        '--constructor=1',
        '--no-',
        '-listen-addr',
        '--check=x',
      ),
    );
    inDirectory({}, (cwd) => {
      fc.assert(
        fc.property(program, fc.array(argument, { maxLength: 6 }), (name, argv) =>
          isResult(name, { argv, env: {}, cwd }),
        ),
        { numRuns: 300 },
      );
    });
  });

  it('as a config file and as .env gives settings or problems, and never an error', () => {
    const yaml = fc.array(
      fc.tuple(
        fc.oneof(
          setting.map(({ key }) => key),
          text,
        ),
        fc.oneof(text, fc.json(), fc.constantFrom('*a', '&a [*a]', '? x')),
      ),
      { maxLength: 5 },
    );
    const file = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      yaml.map((entries) => entries.map(([key, value]) => `${key}: ${value}`).join('\n')),
    );
    fc.assert(
      fc.property(program, file, file, (name, config, dotEnv) =>
        inDirectory({ c: config, '.env': dotEnv }, (cwd) => isResult(name, { argv: ['--config', 'c'], env: {}, cwd })),
      ),
      { numRuns: 150 },
    );
  });
});
