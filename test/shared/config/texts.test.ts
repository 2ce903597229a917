import { strict as assert } from 'node:assert';
import { parse } from 'yaml';
import { LATER } from '../../../shared/config/later.ts';
import { SERVING_PROGRAMS } from '../../../shared/config/program.ts';
import { SETTINGS, settingsOf } from '../../../shared/config/schema.ts';
import { load, MINIMAL } from './support.ts';

function textOf(...args: Parameters<typeof load>): string {
  const result = load(...args);
  return 'text' in result ? result.text : assert.fail(JSON.stringify(result));
}

describe('--help', () => {
  for (const program of SERVING_PROGRAMS) {
    it(`of ${program} lists every flag and variable of it, and no others`, () => {
      const text = textOf(program, { argv: ['--help', '--nonsense'] });
      for (const { programs, flag, variable, flagOnly } of SETTINGS) {
        const takes = programs.some((name) => name === program);
        assert.equal(new RegExp(`^  --${flag}(?:,| |$)`, 'm').test(text), takes, flag);
        if (flagOnly !== true) assert.equal(new RegExp(`\\[${variable}[\\],]`).test(text), takes, variable);
      }
    });
  }

  it('tells the default that holds for the program', () => {
    const limit = (text: string) => /instance-connection-limit[^]*?Default: (\d+)/.exec(text)?.[1];
    assert.equal(limit(textOf('proxy', { argv: ['-h'] })), '100');
    assert.equal(limit(textOf('edge', { argv: ['-h'] })), '10000');
  });

  it('tells what does not work yet', () => {
    const text = textOf('proxy', { argv: ['--help'] }).replaceAll(/\s+/g, ' ');
    for (const [key, later] of Object.entries(LATER)) {
      const setting = SETTINGS.find((candidate) => candidate.key === key)!;
      if (setting.programs.includes('proxy')) assert.ok(text.includes(later.sentence), key);
    }
  });

  it('has no line that a terminal would wrap', () => {
    for (const line of textOf('proxy', { argv: ['--help'] }).split('\n')) assert.ok(line.length <= 110, line);
  });
});

describe('--print-config', () => {
  const env = {
    UPSTREAM_WS: 'wss://user:hunter2@builder/ws/keyinpath?token=tokenvalue,ws://b',
    REDIS_URL_FILE: 'url',
    GAP_REPAIR_MS: '70',
  };
  const files = { url: 'redis://:topsecret@redis', '.env': 'RESTART_MS=5000' };
  const text = textOf('ingest', { argv: ['--print-config', '--log-format=text'], env, files });

  it('shows every setting in force with its source', () => {
    for (const { key, default: fallback } of settingsOf('ingest')) {
      if (fallback !== undefined) assert.match(text, new RegExp(`^${key}: .*  # \\S`, 'm'));
    }
    assert.match(text, /^gapRepairMs: "70" +# environment: GAP_REPAIR_MS$/m);
    assert.match(text, /^restartMs: "5000" +# \.env: RESTART_MS in \.env$/m);
    assert.match(text, /^logFormat: "text" +# flag: --log-format$/m);
    assert.match(text, /^takeoverMs: "600" +# default$/m);
    assert.match(text, /^ingestId: "host-1-0a1b2c3d" +# default$/m);
  });

  it('masks secrets', () => {
    assert.match(text, /^upstreamWs: "wss:\/\/\*\*\*@builder\/\*\*\*\?token=\*\*\*,ws:\/\/b" +# environment/m);
    assert.match(text, /^redisUrl: "redis:\/\/\*\*\*@redis" +# environment: REDIS_URL_FILE$/m);
    for (const secret of ['hunter2', 'keyinpath', 'tokenvalue', 'topsecret']) assert.ok(!text.includes(secret));
  });

  it('can be given back as a config file', () => {
    const edge = textOf('edge', { argv: ['--print-config'], env: MINIMAL.edge });
    const parsed: unknown = parse(edge);
    assert.ok(typeof parsed === 'object' && parsed !== null && 'listenAddr' in parsed);
    const files = { 'c.json': JSON.stringify(usable(parsed)) };
    assert.equal(load('edge', { argv: ['--config', 'c.json'], env: MINIMAL.edge, files }).kind, 'settings');
  });
});

/** Without masked secrets, and without what would be refused as it is given now and not a default. */
function usable(parsed: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parsed).filter(([key]) => !(key in LATER) && key !== 'redisUrl'));
}
