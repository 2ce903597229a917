import type { AlertCase, Series } from '../support/alert-case.ts';

/** `flashcast_upstream_connected` of two ingests to two builders. */
function connected(values: readonly [string, string, string, string]): Series {
  return Object.fromEntries(
    values.map((value, at) => [
      `flashcast_upstream_connected{namespace="n",instance="${at < 2 ? 'a' : 'b'}",upstream="u${at % 2}"}`,
      value,
    ]),
  );
}

/** Alerts of the group `flashcast.upstreams`. */
export const UPSTREAM_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastNoUpstream',
    fires: {
      series: connected(['1 0x40', '1 0x40', '1 0x40', '1 0x40']),
      at: '30s',
      alerts: [{ labels: { namespace: 'n' }, summary: 'No ingest is connected to any builder' }],
    },
    silent: {
      'one ingest has one builder': { series: connected(['0x40', '0x40', '0x40', '1x40']), at: '5m' },
      'a builder is back at the next scrape': { series: connected(['1 0 1x9', '0x40', '0x40', '0x40']), at: '30s' },
    },
  },
  {
    alert: 'FlashcastUpstreamDown',
    fires: {
      series: connected(['1x40', '1 0x40', '1x40', '1 0x40']),
      at: '3m',
      alerts: [{ labels: { namespace: 'n', upstream: 'u1' }, summary: 'No ingest is connected to the builder u1' }],
    },
    silent: {
      'another ingest has it': { series: connected(['1x40', '0x40', '1x40', '1x40']), at: '9m' },
      'it restarts': { series: connected(['1x40', '1 0x6 1x40', '1x40', '1 0x6 1x40']), at: '9m' },
    },
  },
  {
    alert: 'FlashcastUpstreamPartlyDown',
    fires: {
      series: connected(['1x60', '0x60', '1x60', '1x60']),
      at: '11m',
      alerts: [
        {
          labels: { namespace: 'n', instance: 'a', upstream: 'u1' },
          summary: 'The ingest a is not connected to u1, another one is',
        },
      ],
    },
    silent: {
      'no ingest has it, which is another alert': { series: connected(['1x60', '0x60', '1x60', '0x60']), at: '11m' },
      'it was connected meanwhile': { series: connected(['1x60', '0x20 1 0x40', '1x60', '1x60']), at: '11m' },
    },
  },
  {
    alert: 'FlashcastUpstreamSilent',
    fires: {
      series: {
        ...connected(['1x60', '1x60', '1x60', '1x60']),
        'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u0"}': '0.2x60',
        'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u1"}': '0+15x60',
        'flashcast_upstream_last_message_age_seconds{namespace="n",instance="b",upstream="u1"}': '3+15x60',
      },
      at: '2m',
      alerts: [
        {
          labels: { namespace: 'n', upstream: 'u1' },
          summary: 'The builder u1 is connected and has sent nothing for 2m 0s, others have',
        },
      ],
    },
    silent: {
      'all builders are silent': {
        series: {
          ...connected(['1x60', '1x60', '1x60', '1x60']),
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u0"}': '6+15x60',
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u1"}': '6+15x60',
        },
        at: '5m',
      },
      'it is not connected, which is another alert': {
        series: {
          ...connected(['1x60', '0x60', '1x60', '0x60']),
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u0"}': '0.2x60',
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u1"}': '0+15x60',
        },
        at: '5m',
      },
      'one ingest hears it': {
        series: {
          ...connected(['1x60', '1x60', '1x60', '1x60']),
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="a",upstream="u1"}': '0+15x60',
          'flashcast_upstream_last_message_age_seconds{namespace="n",instance="b",upstream="u1"}': '1x60',
        },
        at: '5m',
      },
    },
  },
];
