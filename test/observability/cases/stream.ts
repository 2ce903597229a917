import type { AlertCase } from '../support/alert-case.ts';

/** Alerts of the group `flashcast.stream`. */
export const STREAM_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastStreamStale',
    fires: {
      series: {
        'flashcast_stream_age_seconds{namespace="n",instance="a"}': '1+15x9',
        'flashcast_stream_age_seconds{namespace="n",instance="b"}': '3+15x9',
        'flashcast_stream_age_seconds{namespace="other",instance="a"}': '1x9',
      },
      at: '30s',
      alerts: [{ labels: { namespace: 'n' }, summary: 'No client has got a flashblock for 31s' }],
    },
    silent: {
      'one edge still has the stream': {
        series: {
          'flashcast_stream_age_seconds{namespace="n",instance="a"}': '1+15x9',
          'flashcast_stream_age_seconds{namespace="n",instance="b"}': '9x9',
        },
        at: '2m',
      },
      'it has only just begun': {
        series: { 'flashcast_stream_age_seconds{namespace="n",instance="a"}': '1+15x9' },
        at: '15s',
      },
    },
  },
  {
    alert: 'FlashcastEdgeBehind',
    fires: {
      series: {
        'flashcast_stream_age_seconds{namespace="n",instance="a"}': '1x9',
        'flashcast_stream_age_seconds{namespace="n",instance="b"}': '1+15x9',
      },
      at: '1m',
      alerts: [
        {
          labels: { namespace: 'n', instance: 'b' },
          summary: 'The edge b has had no message for 1m 1s, others have',
        },
      ],
    },
    silent: {
      'no edge has the stream': {
        series: {
          'flashcast_stream_age_seconds{namespace="n",instance="a"}': '6+15x9',
          'flashcast_stream_age_seconds{namespace="n",instance="b"}': '1000x9',
        },
        at: '2m',
      },
      'it is less than the threshold behind': {
        series: {
          'flashcast_stream_age_seconds{namespace="n",instance="a"}': '0x9',
          'flashcast_stream_age_seconds{namespace="n",instance="b"}': '10x9',
        },
        at: '2m',
      },
    },
  },
  {
    alert: 'FlashcastGapsLost',
    fires: {
      series: {
        'flashcast_upstream_gaps_total{namespace="n",instance="a",upstream="b:1#0",outcome="lost"}': '0x20 1x20',
      },
      at: '6m',
      alerts: [{ labels: { namespace: 'n' }, summary: 'About 1 gaps in the stream were missing at every builder' }],
    },
    silent: {
      'gaps were repaired': {
        series: {
          'flashcast_upstream_gaps_total{namespace="n",instance="a",upstream="b:1#0",outcome="repaired"}': '0+9x40',
          'flashcast_upstream_gaps_total{namespace="n",instance="a",upstream="b:1#0",outcome="lost"}': '7x40',
        },
        at: '6m',
      },
    },
  },
  {
    alert: 'FlashcastEdgeLostMessages',
    fires: {
      series: { 'flashcast_stream_gaps_total{namespace="n",instance="a",outcome="lost"}': '0x20 2x20' },
      at: '6m',
      alerts: [{ labels: { namespace: 'n' }, summary: 'Edges lost about 2 messages that had been published' }],
    },
    silent: {
      'what the channel skipped was read from the history': {
        series: {
          'flashcast_stream_gaps_total{namespace="n",instance="a",outcome="filled"}': '0+9x40',
          'flashcast_stream_gaps_total{namespace="n",instance="a",outcome="lost"}': '2x40',
        },
        at: '6m',
      },
    },
  },
  {
    alert: 'FlashcastPublishDropped',
    fires: {
      series: { 'flashcast_publish_dropped_total{namespace="n",instance="a"}': '0x20 5x20' },
      at: '6m',
      alerts: [
        {
          labels: { namespace: 'n' },
          summary: 'Ingests let about 5 messages go that Redis did not take in time',
        },
      ],
    },
    silent: {
      'it happened longer ago': {
        series: { 'flashcast_publish_dropped_total{namespace="n",instance="a"}': '0x4 5x40' },
        at: '8m',
      },
    },
  },
  {
    alert: 'FlashcastEnvelopeUnread',
    fires: {
      series: {
        'flashcast_stream_unknown_versions_total{namespace="n",instance="a"}': '0+5x20',
        'flashcast_stream_unknown_versions_total{namespace="n",instance="b"}': '0x20',
      },
      at: '1m',
      alerts: [
        {
          labels: { namespace: 'n', instance: 'a' },
          summary: 'The edge a cannot read what newer ingests publish',
        },
      ],
    },
    silent: {
      'it reads everything since': {
        series: { 'flashcast_stream_unknown_versions_total{namespace="n",instance="a"}': '5x40' },
        at: '6m',
      },
    },
  },
];
