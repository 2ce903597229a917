import { strict as assert } from 'node:assert';
import { LATER } from '../../../shared/config/later.ts';
import { nearestName } from '../../../shared/config/names.ts';
import { SERVING_PROGRAMS } from '../../../shared/config/program.ts';
import { SETTINGS } from '../../../shared/config/schema.ts';
import { MINIMAL, problems } from './support.ts';

/** Every name of the settings' contract. */
const NAMES = `LISTEN_ADDR UPSTREAM_WS MESSAGE_BUFFER_SIZE INSTANCE_CONNECTION_LIMIT PER_IP_CONNECTION_LIMIT
ENABLE_COMPRESSION IP_ADDR_HTTP_HEADER METRICS METRICS_ADDR METRICS_GLOBAL_LABELS METRICS_HOST_LABEL API_KEYS
PUBLIC_ACCESS_ENABLED SUBSCRIBER_MAX_INTERVAL_MS SUBSCRIBER_PING_INTERVAL_MS SUBSCRIBER_PONG_TIMEOUT_MS
CLIENT_PING_ENABLED CLIENT_PING_INTERVAL_MS CLIENT_PONG_TIMEOUT_MS CLIENT_SEND_TIMEOUT_MS REDIS_URL REDIS_KEY_PREFIX
LOG_LEVEL LOG_FORMAT UPSTREAM_RESUME UPSTREAM_CONNECT_TIMEOUT_MS UPSTREAM_STALE_MS MAX_MESSAGE_BYTES RESTART_MS DEDUPE
TAKEOVER_MS GAP_REPAIR_MS COMPRESSION_QUALITY COMPRESSION_ENGINE STREAM_MAX_MESSAGES STREAM_MAX_BYTES
STREAM_RETENTION_MS PUBLISH_BUFFER_MESSAGES PUBLISH_BUFFER_BYTES INGEST_ID EDGE_ID EDGE_WORKERS CLIENT_QUEUE_BYTES
MAX_FILTER_TERMS TRUSTED_PROXIES PROXY_PROTOCOL IPV6_PREFIX CONNECT_RATE_PER_IP CONNECT_BURST_PER_IP API_KEYS_FILE
LEASE_TTL_MS LIMIT_FAIL_MODE LIMIT_TIMEOUT_MS DRAIN_TIMEOUT_MS DRAIN_DELAY_MS READY_MAX_AGE_MS STATUS_PAGE
MAX_PENDING_PER_IP MAX_PENDING MAX_HEADER_BYTES HANDSHAKE_TIMEOUT_MS TLS_CERT_FILE TLS_KEY_FILE REDIS_MODE
OTEL_EXPORTER_OTLP_ENDPOINT LOG_QUIET LOG_DIR LOG_FILE_FORMAT LOG_FILE_ROTATION`.split(/\s+/);

/** A value for each later setting that asks for its feature. */
const ASKING: Readonly<Record<string, string>> = {
  otelExporterOtlpEndpoint: 'http://otel:4318',
};

describe('the schema', () => {
  it('has every setting of the contract, and --demo', () => {
    assert.deepEqual(SETTINGS.map(({ variable }) => variable).sort(), [...NAMES, 'DEMO'].sort());
  });

  it('names no variable and no flag twice, files included', () => {
    const variables = SETTINGS.flatMap((s) => [
      s.variable,
      ...(s.aliases ?? []),
      ...(s.fromFile ? [`${s.variable}_FILE`] : []),
    ]);
    assert.equal(new Set(variables).size, variables.length);
    const flags = SETTINGS.flatMap((s) => [
      s.flag,
      ...(s.flagAliases ?? []),
      ...(s.fromFile ? [`${s.flag}-file`] : []),
    ]);
    assert.equal(new Set(flags).size, flags.length);
  });

  it('has defaults that its own formats accept, in every program', () => {
    for (const { key, format, default: fallback, defaultFor = {} } of SETTINGS) {
      for (const text of [fallback, ...Object.values(defaultFor)]) {
        if (typeof text === 'string') assert.ok(format.parse(text).ok, key);
      }
    }
  });

  it('refuses each later setting by its sentence when it asks for the feature, and only then', () => {
    assert.deepEqual(Object.keys(ASKING).sort(), Object.keys(LATER).sort());
    for (const [key, later] of Object.entries(LATER)) {
      const { variable, programs } = SETTINGS.find((setting) => setting.key === key)!;
      const program = SERVING_PROGRAMS.find(
        (name) => programs.includes(name) && later.programs?.includes(name) !== false,
      )!;
      const given = (text: string) => problems(program, { env: { ...MINIMAL[program], [variable]: text } });
      assert.equal(given(ASKING[key]!).length, 1, key);
      assert.ok(given(ASKING[key]!)[0]?.endsWith(`. ${later.sentence}`), key);
      for (const off of later.off ?? []) assert.deepEqual(given(String(off)), [], key);
    }
  });
});

describe('the nearest name', () => {
  it('is the one that was probably meant', () => {
    assert.equal(nearestName('listen-adr', ['listen-addr', 'metrics-addr']), 'listen-addr');
    assert.equal(nearestName('prxy', ['proxy', 'edge']), 'proxy');
  });

  it('is none when nothing is near, nothing is known, or the word is endless', () => {
    assert.equal(nearestName('frobnicate', ['listen-addr']), undefined);
    assert.equal(nearestName('x', []), undefined);
    assert.equal(nearestName('a'.repeat(65), ['a'.repeat(64)]), undefined);
  });
});
