import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../../../shared/config/load.ts';
import { SERVING_PROGRAMS } from '../../../shared/config/program.ts';
import { settingsOf } from '../../../shared/config/schema.ts';
import type { EdgeSettings, IngestSettings, ProxySettings } from '../../../shared/config/settings.ts';
import { inDirectory, load, MINIMAL, problems, settings } from './support.ts';

describe('settings', () => {
  it("of the proxy default to the reference's", () => {
    const proxy: ProxySettings = settings('proxy', { env: MINIMAL.proxy });
    assert.deepEqual(proxy.listenAddr, { host: '0.0.0.0', port: 8545 });
    assert.deepEqual(proxy.upstreamWs, ['ws://builder:1111/ws']);
    assert.equal(proxy.instanceConnectionLimit, 100);
    assert.equal(proxy.messageBufferSize, 20);
    assert.equal(proxy.clientPingEnabled, false);
    assert.equal(proxy.enableCompression, false);
    assert.equal(proxy.ipAddrHttpHeader, 'X-Forwarded-For');
    assert.equal(proxy.subscriberMaxIntervalMs, 20_000);
    assert.equal(proxy.metrics, true);
    assert.deepEqual(proxy.metricsGlobalLabels, {});
    assert.equal(proxy.perIpConnectionLimit, 10);
    assert.equal(proxy.connectRatePerIp, 0);
    assert.equal(proxy.publicAccessEnabled, false);
    assert.equal(proxy.demo, false);
    assert.equal(proxy.ingestId, 'host-1-0a1b2c3d');
  });

  it('of the edge raise two defaults for a fleet, and bound how fast an address connects', () => {
    const edge: EdgeSettings = settings('edge', { env: MINIMAL.edge });
    assert.equal(edge.instanceConnectionLimit, 10_000);
    assert.equal(edge.clientPingEnabled, true);
    assert.deepEqual([edge.perIpConnectionLimit, edge.connectRatePerIp, edge.connectBurstPerIp], [10, 10, 50]);
    assert.equal(edge.redisUrl, 'redis://redis');
    assert.equal(edge.redisMode, 'standalone');
    assert.ok(!('upstreamWs' in edge));
  });

  it('of the ingest hold nothing that is about clients', () => {
    const ingest: IngestSettings = settings('ingest', { env: MINIMAL.ingest });
    assert.equal(ingest.compressionQuality, 4);
    assert.ok(!('listenAddr' in ingest));
  });

  it('take the Redis mode from the URL', () => {
    const mode = (url: string): string => settings('edge', { env: { REDIS_URL: url } }).redisMode;
    assert.equal(mode('redis+sentinel://s1,s2/primary'), 'sentinel');
    assert.equal(mode('rediss+cluster://n1'), 'cluster');
    assert.equal(settings('edge', { env: MINIMAL.edge, argv: ['--redis-mode=cluster'] }).redisMode, 'cluster');
  });

  it('come from the strongest source: flag, environment, config file, .env, default', () => {
    const layers = {
      argv: ['--config', 'c.yaml', '--takeover-ms', '1'],
      env: { ...MINIMAL.proxy, TAKEOVER_MS: '2', RESTART_MS: '2' },
      files: {
        'c.yaml': 'takeoverMs: 3\nrestartMs: 3\ngapRepairMs: 3\n',
        '.env': 'TAKEOVER_MS=4\nRESTART_MS=4\nGAP_REPAIR_MS=4\nMAX_PENDING=4\n',
      },
    };
    const result = load('proxy', layers);
    assert.ok(result.kind === 'settings');
    const { takeoverMs, restartMs, gapRepairMs, maxPending, messageBufferSize } = result.settings;
    assert.deepEqual(
      { takeoverMs, restartMs, gapRepairMs, maxPending, messageBufferSize },
      {
        takeoverMs: 1,
        restartMs: 2,
        gapRepairMs: 3,
        maxPending: 4,
        messageBufferSize: 20,
      },
    );
    assert.deepEqual(
      ['takeoverMs', 'restartMs', 'gapRepairMs', 'maxPending', 'messageBufferSize'].map(
        (key) => result.sources[key as keyof typeof result.sources],
      ),
      ['flag', 'environment', 'config file', '.env', 'default'],
    );
  });

  it('are not judged where a stronger source overrules them', () => {
    assert.equal(
      settings('proxy', { argv: ['--demo', '--takeover-ms=5'], env: { TAKEOVER_MS: 'soon' } }).takeoverMs,
      5,
    );
  });

  it('count an empty variable, an empty file entry and null as not set', () => {
    const sources = {
      argv: ['--config=c.yaml'],
      env: { ...MINIMAL.proxy, MESSAGE_BUFFER_SIZE: '', LOG_FORMAT: '' },
      files: { 'c.yaml': 'logFormat: ""\nlogLevel: null\nmessageBufferSize:\n', '.env': 'MESSAGE_BUFFER_SIZE=7\n' },
    };
    const { messageBufferSize, logFormat, logLevel } = settings('proxy', sources);
    assert.deepEqual([messageBufferSize, logFormat, logLevel], [7, 'json', 'info']);
  });

  it('take boolean flags alone, with a value behind = and with a value as the next argument', () => {
    const read = (...argv: string[]): boolean => settings('proxy', { argv: ['--demo', ...argv] }).enableCompression;
    assert.equal(read('--enable-compression'), true);
    assert.equal(read('--enable-compression=false'), false);
    assert.equal(read('--enable-compression', '0'), false);
    assert.equal(read('--enable-compression', '--log-format', 'text'), true);
    assert.equal(settings('proxy', { argv: ['--demo'], env: { ENABLE_COMPRESSION: '1' } }).enableCompression, true);
  });

  it('take list flags repeated, with commas, or both', () => {
    const argv = ['--upstream-ws', 'ws://a,ws://b', '--upstream-ws=ws://c'];
    assert.deepEqual(settings('proxy', { argv }).upstreamWs, ['ws://a', 'ws://b', 'ws://c']);
  });

  it('need no upstream with --demo, and keep one that is given', () => {
    assert.deepEqual(settings('proxy', { argv: ['--demo'] }).upstreamWs, []);
    const { demo, upstreamWs } = settings('proxy', { argv: ['--demo'], env: MINIMAL.proxy });
    assert.deepEqual({ demo, upstreamWs }, { demo: true, upstreamWs: ['ws://builder:1111/ws'] });
  });

  it("take the reference's names of the log's variables", () => {
    const env = { WEBSOCKET_PROXY_LOG_VERBOSITY: '4', WEBSOCKET_PROXY_LOG_FORMAT: 'full', LOG_LEVEL: 'debug' };
    const { logLevel, logFormat } = settings('proxy', { argv: ['--demo'], env });
    assert.deepEqual({ logLevel, logFormat }, { logLevel: 'debug', logFormat: 'text' });
  });

  it("take the reference's flags of the log", () => {
    const read = (...argv: string[]) => settings('proxy', { argv: ['--demo', ...argv] });
    assert.equal(read().logLevel, 'info');
    for (const [argv, level] of [
      [['-v'], 'error'],
      [['-vv'], 'warn'],
      [['-v', '-vv'], 'info'],
      [['--verbose', '--verbose', '-vv'], 'debug'],
      [['-vvvvvvv'], 'trace'],
    ] as const) {
      assert.equal(read(...argv).logLevel, level, argv.join(' '));
    }
    for (const argv of [['-q'], ['--quiet'], ['--logs.stdout.quiet'], ['--log-quiet'], ['-qvv']]) {
      assert.equal(read(...argv).logQuiet, true, argv.join(' '));
    }
    const { logFormat, logDir, logFileFormat, logFileRotation } = read(
      ...['--logs.stdout.format', 'compact', '--logs.file.directory=logs'],
      ...['--logs.file.format', 'full', '--logs.file.rotation', 'daily'],
    );
    assert.deepEqual([logFormat, logDir, logFileFormat, logFileRotation], ['text', 'logs', 'text', 'daily']);
  });

  it("take the reference's name of what is kept for clients that come again", () => {
    const argv = ['--demo'];
    assert.equal(settings('proxy', { argv, env: { RING_BUFFER_CAPACITY: '16' } }).streamMaxMessages, 16);
    assert.equal(settings('proxy', { argv: [...argv, '--ring-buffer-capacity', '32'] }).streamMaxMessages, 32);
  });

  it('refuse a name and its other name that say different things', () => {
    const argv = ['--demo', '-vv', '--log-level', 'debug', '--ring-buffer-capacity=1', '--stream-max-messages=2'];
    assert.deepEqual(problems('proxy', { argv }), [
      '--ring-buffer-capacity: contradicts --stream-max-messages; expected only one of them',
      '-v: contradicts --log-level; expected only one of them',
    ]);
    assert.match(problems('proxy', { argv: ['--demo', '-vx'] })[0] ?? '', /^-vx: unknown flag/);
  });

  it('ignore variables and file entries of other programs, so that one file serves all', () => {
    const env = { ...MINIMAL.edge, UPSTREAM_WS: 'nonsense', COMPRESSION_QUALITY: '99' };
    const files = { 'c.yaml': 'upstreamWs: nonsense\ngapRepairMs: x\nlogFormat: text\n', '.env': 'RESTART_MS=x\n' };
    assert.equal(settings('edge', { env, files, argv: ['--config', 'c.yaml'] }).logFormat, 'text');
  });

  it('read secrets from files, by variable, flag and config file', () => {
    const files = { url: 'redis://:pw@redis\n', upstreams: 'ws://a\nws://b\n\n' };
    const env = { REDIS_URL_FILE: 'url', UPSTREAM_WS_FILE: 'upstreams' };
    assert.equal(settings('ingest', { env, files }).redisUrl, 'redis://:pw@redis');
    assert.deepEqual(settings('ingest', { env, files }).upstreamWs, ['ws://a', 'ws://b']);
    assert.equal(settings('edge', { argv: ['--redis-url-file', 'url'], files }).redisUrl, 'redis://:pw@redis');
    const config = { ...files, 'c.yaml': 'redisUrlFile: url' };
    assert.equal(settings('edge', { argv: ['--config', 'c.yaml'], files: config }).redisUrl, 'redis://:pw@redis');
  });

  it('take a secret that is given by a stronger source than its file', () => {
    const sources = {
      argv: ['--redis-url', 'redis://flag'],
      env: { REDIS_URL_FILE: 'url' },
      files: { url: 'redis://file' },
    };
    assert.equal(settings('edge', sources).redisUrl, 'redis://flag');
  });

  it('refuse secret files that are too large, no text, or no files', () => {
    const large = { argv: ['--redis-url-file', 'url'], files: { url: 'x'.repeat(65_537) } };
    assert.match(problems('edge', large).join('\n'), /--redis-url-file: the file "url" is larger than 65536 bytes/);
    inDirectory({}, (cwd) => {
      mkdirSync(join(cwd, 'folder'));
      execFileSync('mkfifo', [join(cwd, 'pipe')]);
      for (const name of ['folder', 'pipe', '/dev/zero']) {
        const result = loadSettings('edge', { argv: ['--redis-url-file', name], env: {}, cwd });
        assert.match('problems' in result ? (result.problems[0] ?? '') : '', /is not a regular file$/);
      }
    });
  });

  it('accept what asks for nothing although its feature is missing', () => {
    const env = {
      EDGE_WORKERS: '1',
    };
    assert.equal(settings('edge', { env: { ...MINIMAL.edge, ...env } }).edgeWorkers, 1);
  });

  it('accept what only looks like a contradiction', () => {
    const right: readonly (readonly string[])[] = [
      ['--listen-addr=127.0.0.1:9000', '--metrics-addr=127.0.0.2:9000'],
      ['--listen-addr=127.0.0.1:0', '--metrics-addr=127.0.0.1:0'],
      ['--listen-addr=0.0.0.0:9000', '--metrics=false'],
      ['--client-ping-interval-ms=30000'],
      ['--drain-delay-ms=25000'],
      ['--drain-delay-ms=0', '--drain-timeout-ms=0'],
      ['--metrics-global-labels=hostname=a'],
      ['--log-level=info'],
    ];
    for (const argv of right)
      assert.deepEqual(problems('proxy', { argv: ['--demo', ...argv], env: { LOG_LEVEL: '3' } }), []);
    const twice = { LOG_LEVEL: 'debug', WEBSOCKET_PROXY_LOG_VERBOSITY: '4' };
    assert.deepEqual(problems('proxy', { argv: ['--demo'], env: twice }), []);
    const cluster = { REDIS_URL: 'redis://r1,r2', REDIS_MODE: 'cluster' };
    assert.deepEqual(problems('edge', { env: cluster }), []);
  });

  it('are frozen, whatever is inside them', () => {
    const proxy = settings('proxy', { env: { ...MINIMAL.proxy, METRICS_GLOBAL_LABELS: 'a=b' } });
    for (const value of [proxy, proxy.listenAddr, proxy.upstreamWs, proxy.metricsGlobalLabels])
      assert.ok(Object.isFrozen(value));
  });

  it('hold every setting of a program that has a default', () => {
    for (const program of SERVING_PROGRAMS) {
      const held = settings(program, { env: MINIMAL[program] });
      for (const { key, default: fallback } of settingsOf(program)) {
        if (fallback !== undefined) assert.ok(Object.hasOwn(held, key), key);
      }
    }
  });

  it('are checked on request, and tell the same problems then', () => {
    const good = load('proxy', { argv: ['--check', '--demo'] });
    assert.deepEqual(good, { kind: 'check', text: 'The settings of flashcast proxy are valid.\n' });
    assert.match(problems('proxy', { argv: ['--check'] }).join('\n'), /^UPSTREAM_WS: not set/);
    assert.equal(load('proxy', { argv: ['--check=false', '--demo'] }).kind, 'settings');
  });
});
