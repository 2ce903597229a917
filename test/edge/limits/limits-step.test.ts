import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import type { Grant } from '../../../edge/admission/admission.ts';
import type { LimitRequest, LimitVerdict } from '../../../edge/limits/connection-limits.ts';
import { LimitsStep } from '../../../edge/limits/limits-step.ts';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';

const CANDIDATE = { query: new URLSearchParams(), headers: {} };

describe('the limits as a step of the admission', () => {
  const create = (verdict: LimitVerdict) => {
    const registry = new Registry();
    const released: unknown[] = [];
    const asked: LimitRequest[] = [];
    const limits = {
      admit: (request: LimitRequest) => {
        asked.push(request);
        return Promise.resolve(verdict);
      },
      release: (lease: unknown) => void released.push(lease),
    };
    const value = async (name: string) => (await registry.getSingleMetric(`websocket_proxy_${name}`)?.get())?.values;
    return { step: new LimitsStep(limits, createEdgeMetrics(registry)), released, asked, value };
  };
  const grant = (): Grant => ({
    address: '192.0.2.1',
    encoding: 'br',
    application: 'wallet',
    applicationLimit: 7,
    keyId: 'k1',
  });

  for (const [verdict, status, message, result, retryAfter, perIp] of [
    [{ by: 'rate', retryAfterMs: 3 }, 429, 'Connection rate exceeded', 'connect_rate', '1', 1],
    [{ by: 'rate', retryAfterMs: 1001 }, 429, 'Connection rate exceeded', 'connect_rate', '2', 1],
    [{ by: 'ip' }, 429, 'IP limit exceeded', 'ip_limit', '5', 1],
    [{ by: 'application' }, 429, 'Application limit exceeded', 'application_limit', '5', 0],
    [{ by: 'unavailable' }, 503, 'Limits unavailable', 'limits_unavailable', '5', 0],
  ] as const)
    it(`refuses with ${status} ${message} and Retry-After ${retryAfter}, and holds nothing`, async () => {
      const { step, released, value } = create({ admitted: false, ...verdict });
      const refused = grant();
      const refusal = await step.admit(CANDIDATE, refused);
      assert.deepEqual(refusal, { status, message, result, headers: { 'Retry-After': retryAfter } });
      step.release(refused);
      assert.deepEqual(released, []);
      assert.equal((await value('per_ip_rate_limited_requests'))?.[0]?.value, perIp);
      assert.deepEqual(await value('connections_by_app'), []);
    });

  it('counts an application up when a client comes and down when it leaves, once', async () => {
    const lease = { member: 'm', address: undefined, application: 'wallet' };
    const { step, released, asked, value } = create({ admitted: true, lease });
    const admitted = grant();
    assert.equal(await step.admit(CANDIDATE, admitted), undefined);
    assert.equal(asked[0]?.applicationLimit, 7);
    assert.deepEqual(await value('connections_by_app'), [{ labels: { app: 'wallet' }, value: 1 }]);
    step.release(admitted);
    step.release(admitted);
    assert.deepEqual(released, [lease]);
    assert.deepEqual(await value('connections_by_app'), [{ labels: { app: 'wallet' }, value: 0 }]);
  });
});
