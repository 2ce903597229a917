import type { AlertCase, Series } from '../support/alert-case.ts';

/** `flashcast_redis_up` of two processes. */
function up(a: string, b: string): Series {
  return {
    'flashcast_redis_up{namespace="n",instance="a"}': a,
    'flashcast_redis_up{namespace="n",instance="b"}': b,
  };
}

/** Durations of commands: so many a scrape take up to 0.1 s, and so many up to 0.15 s. */
function commands(quick: number, slow: number): Series {
  const name = 'flashcast_redis_command_duration_seconds_bucket{namespace="n",instance="a",command="append"';
  return {
    [`${name},le="0.1"}`]: `0+${quick}x80`,
    [`${name},le="0.15"}`]: `0+${quick + slow}x80`,
    [`${name},le="+Inf"}`]: `0+${quick + slow}x80`,
  };
}

/** Alerts of the group `flashcast.redis`. */
export const REDIS_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastRedisDown',
    fires: {
      series: up('1 0x20', '1 0x20'),
      at: '30s',
      alerts: [{ labels: { namespace: 'n' }, summary: 'No process reaches Redis' }],
    },
    silent: {
      'one process reaches it': { series: up('0x20', '1x20'), at: '5m' },
      'a failover is over at the next scrape': { series: up('1 0 1x20', '1 0 1x20'), at: '30s' },
    },
  },
  {
    alert: 'FlashcastRedisUnreachable',
    fires: {
      series: up('1 0x20', '1x20'),
      at: '2m',
      alerts: [{ labels: { namespace: 'n', instance: 'a' }, summary: 'a does not reach Redis, others do' }],
    },
    silent: {
      'nobody reaches it, which is another alert': { series: up('0x20', '0x20'), at: '5m' },
      'it connects again within a minute': { series: up('1 0x2 1x20', '1x20'), at: '1m15s' },
    },
  },
  {
    alert: 'FlashcastRedisReconnects',
    fires: {
      series: {
        'flashcast_redis_reconnects_total{namespace="n",instance="a"}': '0x4 0+1x6 6x40',
        'flashcast_redis_reconnects_total{namespace="n",instance="b"}': '0x60',
      },
      at: '10m',
      alerts: [
        {
          labels: { namespace: 'n', instance: 'a' },
          summary: 'a has connected to Redis again about 6 times in 10 minutes',
        },
      ],
    },
    silent: {
      'a failover or two made everybody connect again': {
        series: { 'flashcast_redis_reconnects_total{namespace="n",instance="a"}': '0x4 2x8 4x40' },
        at: '10m',
      },
    },
  },
  {
    alert: 'FlashcastRedisSlow',
    fires: {
      series: commands(980, 20),
      at: '16m',
      alerts: [{ labels: { namespace: 'n' }, summary: 'One of a hundred Redis commands takes 125ms or longer' }],
    },
    silent: {
      'fewer than one of a hundred are slow': { series: commands(991, 9), at: '16m' },
      'they were slow for some minutes': {
        series: {
          ...commands(980, 0),
          'flashcast_redis_command_duration_seconds_bucket{namespace="n",instance="a",command="append",le="0.15"}':
            '0+1000x20 20000+980x60',
          'flashcast_redis_command_duration_seconds_bucket{namespace="n",instance="a",command="append",le="+Inf"}':
            '0+1000x20 20000+980x60',
        },
        at: '16m',
      },
    },
  },
  {
    alert: 'FlashcastLimitsDegraded',
    fires: {
      series: {
        'flashcast_limit_degraded{namespace="n",instance="a"}': '0 1x20',
        'flashcast_limit_degraded{namespace="n",instance="b"}': '0 1x20',
        'flashcast_limit_degraded{namespace="n",instance="c"}': '0x20',
      },
      at: '2m',
      alerts: [{ labels: { namespace: 'n' }, summary: '2 edges do not count connections together' }],
    },
    silent: {
      'it is over within a minute': {
        series: { 'flashcast_limit_degraded{namespace="n",instance="a"}': '0 1x2 0x20' },
        at: '1m15s',
      },
    },
  },
];
