import type { AlertCase, Series } from '../support/alert-case.ts';

/** Edge `a` with clients and a limit. */
function clients(count: string, limit = 10_000): Series {
  return {
    'websocket_proxy_active_connections{namespace="n",instance="a"}': count,
    'flashcast_instance_connection_limit{namespace="n",instance="a"}': `${limit}x60`,
  };
}

/** Alerts of the group `flashcast.clients`. */
export const CLIENT_CASES: readonly AlertCase[] = [
  {
    alert: 'FlashcastSlowClients',
    fires: {
      series: {
        ...clients('1000x60'),
        'websocket_proxy_lagged_connections{namespace="n",instance="a"}': '0+1x60',
      },
      at: '11m',
      alerts: [
        {
          labels: { namespace: 'n' },
          summary: '2% of the clients were closed for being too slow in 5 minutes',
        },
      ],
    },
    silent: {
      'fewer than the threshold are': {
        series: {
          ...clients('2500x60'),
          'websocket_proxy_lagged_connections{namespace="n",instance="a"}': '0+1x60',
        },
        at: '11m',
      },
      'one burst made many slow': {
        series: {
          ...clients('1000x60'),
          'websocket_proxy_lagged_connections{namespace="n",instance="a"}': '0x19 300x40',
        },
        at: '14m',
      },
      'there are no clients': {
        series: {
          ...clients('0x60'),
          'websocket_proxy_lagged_connections{namespace="n",instance="a"}': '0+1x60',
        },
        at: '11m',
      },
    },
  },
  {
    alert: 'FlashcastNearInstanceLimit',
    fires: {
      series: clients('8000x4 9100x40'),
      at: '7m',
      alerts: [{ labels: { namespace: 'n', instance: 'a' }, summary: 'The edge a is 91% full' }],
    },
    silent: {
      'it is just not that full': { series: clients('9000x40'), at: '7m' },
      'it was for a while': { series: clients('9100x15 8900x40'), at: '7m' },
    },
  },
  {
    alert: 'FlashcastClientsRefused',
    fires: {
      series: { 'flashcast_admissions_total{namespace="n",instance="a",result="instance_limit"}': '0x4 0+15x60' },
      at: '10m',
      alerts: [{ labels: { namespace: 'n' }, summary: 'Edges are full and refuse 1.00 clients a second' }],
    },
    silent: {
      'they are refused for other reasons': {
        series: {
          'flashcast_admissions_total{namespace="n",instance="a",result="instance_limit"}': '3x60',
          'flashcast_admissions_total{namespace="n",instance="a",result="ip_limit"}': '0+15x60',
        },
        at: '10m',
      },
      'it was over as soon as they found another edge': {
        series: { 'flashcast_admissions_total{namespace="n",instance="a",result="instance_limit"}': '0x4 90x60' },
        at: '7m',
      },
    },
  },
  {
    alert: 'FlashcastKeyReloadFailed',
    fires: {
      series: { 'flashcast_api_keys_reload_failures_total{namespace="n",instance="a"}': '0x8 1x60' },
      at: '5m',
      alerts: [{ labels: { namespace: 'n', instance: 'a' }, summary: 'The edge a cannot read API_KEYS_FILE' }],
    },
    silent: {
      'it failed long ago': {
        series: { 'flashcast_api_keys_reload_failures_total{namespace="n",instance="a"}': '1x90' },
        at: '20m',
      },
    },
  },
  {
    alert: 'FlashcastCertificateReloadFailed',
    fires: {
      series: { 'flashcast_tls_reload_failures_total{namespace="n",instance="a"}': '0x8 1x60' },
      at: '5m',
      alerts: [{ labels: { namespace: 'n', instance: 'a' }, summary: 'The edge a cannot take the new certificate' }],
    },
    silent: {
      'it failed long ago': {
        series: { 'flashcast_tls_reload_failures_total{namespace="n",instance="a"}': '1x90' },
        at: '20m',
      },
    },
  },
  {
    alert: 'FlashcastCertificateEnds',
    fires: {
      // Tests begin at 1970: 13 days and 15 minutes on.
      series: { 'flashcast_tls_certificate_not_after_seconds{namespace="n",instance="a"}': '1124100x60' },
      at: '15m',
      alerts: [
        {
          labels: { namespace: 'n', instance: 'a' },
          summary: 'The certificate of the edge a ends in 13d 0h 0m 0s',
        },
      ],
    },
    silent: {
      'it ends in fifteen days': {
        series: { 'flashcast_tls_certificate_not_after_seconds{namespace="n",instance="a"}': '1296000x60' },
        at: '15m',
      },
      'there is none': {
        series: { 'flashcast_tls_certificate_not_after_seconds{namespace="n",instance="a"}': '0x60' },
        at: '15m',
      },
    },
  },
];
