import type { AlertCase } from '../support/alert-case.ts';

const BUILD = 'flashcast_build_info{namespace="n",job="edge",instance="a",version="1.0.0",revision="x"}';
const UP = 'up{namespace="n",job="edge",instance="a"}';

/** Alerts of the group `flashcast.processes`. */
export const PROCESS_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastNoEdge',
    fires: {
      series: { [UP]: '0x40', 'websocket_proxy_active_connections{namespace="n",instance="a"}': '5 _x40' },
      at: '8m',
      alerts: [{ labels: {}, summary: 'Prometheus sees no edge' }],
    },
    silent: {
      'an edge without clients is there': {
        series: { 'websocket_proxy_active_connections{namespace="n",instance="a"}': '0x40' },
        at: '8m',
      },
    },
  },
  {
    alert: 'FlashcastNoIngest',
    fires: {
      series: { 'websocket_proxy_active_connections{namespace="n",instance="a"}': '5x40' },
      at: '3m',
      alerts: [{ labels: {}, summary: 'Prometheus sees no ingest' }],
    },
    silent: {
      'an ingest is there': {
        series: { 'flashcast_publish_buffered_messages{namespace="n",instance="a"}': '0x40' },
        at: '3m',
      },
    },
  },
  {
    alert: 'FlashcastTargetDown',
    fires: {
      series: { [BUILD]: '1x4 _x60', [UP]: '1x4 0x60' },
      at: '10m',
      alerts: [{ labels: { namespace: 'n', job: 'edge', instance: 'a' }, summary: 'a answers no scrape' }],
    },
    silent: {
      'it is not ours': { series: { [UP]: '0x60' }, at: '10m' },
      'it was taken out of discovery': { series: { [BUILD]: '1x4 _x60', [UP]: '1x4 0x4 stale _x60' }, at: '10m' },
      'it restarts': { series: { [BUILD]: '1x4 _x8 1x60', [UP]: '1x4 0x8 1x60' }, at: '10m' },
    },
  },
  {
    alert: 'FlashcastCrashLoop',
    fires: {
      series: {
        [BUILD]: '1x60',
        'process_start_time_seconds{namespace="n",job="edge",instance="a"}': '1x9 100x9 200x9 300x30',
      },
      at: '10m',
      alerts: [
        {
          labels: { namespace: 'n', job: 'edge', instance: 'a' },
          summary: 'a has started again 3 times in 15 minutes',
        },
      ],
    },
    silent: {
      'it started again twice': {
        series: {
          [BUILD]: '1x60',
          'process_start_time_seconds{namespace="n",job="edge",instance="a"}': '1x9 100x9 200x40',
        },
        at: '10m',
      },
      'it is not ours': {
        series: { 'process_start_time_seconds{namespace="n",job="edge",instance="a"}': '1+15x60' },
        at: '10m',
      },
    },
  },
  {
    alert: 'FlashcastVersionsMixed',
    interval: '1m',
    fires: {
      series: {
        [BUILD]: '1x120',
        'flashcast_build_info{namespace="n",job="edge",instance="b",version="1.1.0",revision="y"}': '1x120',
        'flashcast_build_info{namespace="other",job="edge",instance="b",version="0.9.0",revision="z"}': '1x120',
      },
      at: '65m',
      alerts: [{ labels: { namespace: 'n' }, summary: '2 releases run side by side' }],
    },
    silent: {
      'a rollout takes half an hour': {
        series: {
          [BUILD]: '1x30 stale _x90',
          'flashcast_build_info{namespace="n",job="edge",instance="b",version="1.1.0",revision="y"}': '1x120',
        },
        at: '65m',
      },
      'all are of one release, whatever Node they run on': {
        series: {
          'flashcast_build_info{namespace="n",job="edge",instance="a",version="1.1.0",revision="y",node="v24"}':
            '1x120',
          'flashcast_build_info{namespace="n",job="edge",instance="b",version="1.1.0",revision="y",node="v22"}':
            '1x120',
        },
        at: '65m',
      },
    },
  },
  {
    alert: 'FlashcastEventLoopSlow',
    fires: {
      series: {
        [BUILD]: '1x60',
        'nodejs_eventloop_lag_p99_seconds{namespace="n",job="edge",instance="a"}': '0.01x4 0.2x60',
      },
      at: '7m',
      alerts: [
        {
          labels: { namespace: 'n', job: 'edge', instance: 'a' },
          summary: 'The event loop of a is late by 200ms',
        },
      ],
    },
    silent: {
      'a herd is over': {
        series: {
          [BUILD]: '1x60',
          'nodejs_eventloop_lag_p99_seconds{namespace="n",job="edge",instance="a"}': '0.2x15 0.01x60',
        },
        at: '7m',
      },
      'it is another program of Node': {
        series: { 'nodejs_eventloop_lag_p99_seconds{namespace="n",job="shop",instance="a"}': '0.2x60' },
        at: '7m',
      },
    },
  },
  {
    alert: 'FlashcastFilesNearLimit',
    fires: {
      series: {
        [BUILD]: '1x60',
        'process_open_fds{namespace="n",job="edge",instance="a"}': '900x60',
        'process_max_fds{namespace="n",job="edge",instance="a"}': '1024x60',
      },
      at: '7m',
      alerts: [
        {
          labels: { namespace: 'n', job: 'edge', instance: 'a' },
          summary: 'a uses 87.89% of its file descriptors',
        },
      ],
    },
    silent: {
      'it has enough': {
        series: {
          [BUILD]: '1x60',
          'process_open_fds{namespace="n",job="edge",instance="a"}': '800x60',
          'process_max_fds{namespace="n",job="edge",instance="a"}': '1024x60',
        },
        at: '7m',
      },
    },
  },
];
