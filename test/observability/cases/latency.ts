import type { AlertCase, Series } from '../support/alert-case.ts';

/** Two edges in one namespace; by minute, the messages of the first that were written in time, and all of them. */
function latency(inTime: string, all: string): Series {
  return {
    'flashcast_end_to_end_seconds_bucket{namespace="n",instance="a",le="0.2"}': inTime,
    'flashcast_end_to_end_seconds_count{namespace="n",instance="a"}': all,
    'flashcast_end_to_end_seconds_bucket{namespace="n",instance="b",le="0.2"}': '0+300x400',
    'flashcast_end_to_end_seconds_count{namespace="n",instance="b"}': '0+300x400',
  };
}

/** Alerts of the group `flashcast.latency`. */
export const LATENCY_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastLatencyBudgetBurnsFast',
    interval: '1m',
    fires: {
      // 12 of 600 a minute are late: 20 times the thousandth that may be.
      series: latency('0+288x400', '0+300x400'),
      at: '65m',
      alerts: [
        {
          labels: { namespace: 'n' },
          summary: 'Messages reach clients late, 20.0 times as often as the budget allows',
        },
      ],
    },
    silent: {
      'it is 13 times': { series: latency('0+292x400', '0+300x400'), at: '65m' },
      'it is over': { series: latency('0+200x80 16000+300x320', '0+300x80 24000+300x320'), at: '90m' },
      'it has only just begun': { series: latency('0+300x60 18000+280x340', '0+300x400'), at: '66m' },
      'nothing is sent at all': { series: latency('5x400', '5x400'), at: '65m' },
    },
  },
  {
    alert: 'FlashcastLatencyBudgetBurnsSlowly',
    interval: '1m',
    fires: {
      series: latency('0+297x400', '0+300x400'),
      at: '370m',
      alerts: [
        {
          labels: { namespace: 'n' },
          summary: 'Messages reach clients late, 5.0 times as often as the budget allows, for hours',
        },
      ],
    },
    silent: {
      'it is twice': { series: latency('0+298.8x400', '0+300x400'), at: '370m' },
      'it is over': { series: latency('0+290x300 87000+300x100', '0+300x300 90000+300x100'), at: '370m' },
    },
  },
];
