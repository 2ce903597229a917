import { strict as assert } from 'node:assert';
import type { AdmissionStep, Candidate, Grant } from '../../../edge/admission/admission.ts';
import { KeyInForceStep } from '../../../edge/admission/key-in-force-step.ts';
import type { Refusal } from '../../../edge/admission/refusal.ts';
import { usesResources } from '../../support/use.ts';
import { EdgeHarness, turnsUntil } from '../harness.ts';
import { RawPeer, upgradeRequest } from '../raw-peer.ts';

const LIMITED: Refusal = { status: 429, message: 'IP limit exceeded', result: 'ip_limit' };

/** A step that lets the test decide when and how each is answered. */
class Gate implements AdmissionStep {
  readonly waiting: ((refusal?: Refusal) => void)[] = [];
  passed = 0;
  taken = 0;

  async admit(): Promise<Refusal | undefined> {
    const refusal = await new Promise<Refusal | undefined>((resolve) => this.waiting.push(resolve));
    if (refusal !== undefined) return refusal;
    this.passed += 1;
    this.taken += 1;
    return undefined;
  }
  release(): void {
    this.taken -= 1;
  }
}

/** Stands for the key step: every client has the key that is in its path. */
const KEYS: AdmissionStep = {
  admit({ key }: Candidate, grant: Grant) {
    grant.keyId = key;
    return undefined;
  },
};

describe('an admission that has to wait', () => {
  const use = usesResources();

  async function gated(settings = {}): Promise<{ harness: EdgeHarness; gate: Gate }> {
    const gate = new Gate();
    return { harness: use(await EdgeHarness.start(settings, undefined, { limits: [gate] })), gate };
  }

  /** Waits until so many have passed, and all of them have given back what they took. */
  function givenBack(gate: Gate, passed: number): Promise<void> {
    return turnsUntil(() => gate.passed === passed && gate.taken === 0, 'the place to be given back');
  }

  async function asking(harness: EdgeHarness, gate: Gate, path?: string): Promise<RawPeer> {
    const waited = gate.waiting.length;
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(upgradeRequest(path));
    await turnsUntil(() => gate.waiting.length === waited + 1, 'the step to be asked');
    return peer;
  }

  it('gives back what it took when the client is gone by then, whichever way it went', async () => {
    const { harness, gate } = await gated();
    for (const [n, leave] of (['destroy', 'resetAndDestroy'] as const).entries()) {
      const peer = await asking(harness, gate);
      peer.socket[leave]();
      await peer.end();
      gate.waiting.at(-1)!();
      await givenBack(gate, n + 1);
    }
    await harness.clients(0);
    await harness.pending(0);
    assert.equal(await harness.sample('websocket_proxy_active_connections'), 0);
  });

  it('is ended at HANDSHAKE_TIMEOUT_MS when no answer comes, and a late one takes nothing', async () => {
    const { harness, gate } = await gated({ handshakeTimeoutMs: 50 });
    const peer = await asking(harness, gate);
    await peer.end();
    assert.equal(peer.status, 408);
    await harness.pending(0);
    gate.waiting[0]!();
    await givenBack(gate, 1);
    assert.equal(harness.fanout.clients.length, 0);
  });

  it('ends with the edge, and a late answer takes nothing', async () => {
    const { harness, gate } = await gated();
    const peer = await asking(harness, gate);
    await harness.front.stop();
    await peer.end();
    gate.waiting[0]!();
    await givenBack(gate, 1);
    assert.equal(harness.fanout.clients.length, 0);
  });

  it('is refused when the edge has begun to close its clients meanwhile, as the drain would not close this one', async () => {
    const { harness, gate } = await gated({ drainDelayMs: 0 });
    const client = await asking(harness, gate);
    gate.waiting[0]!();
    await client.head();
    const late = await asking(harness, gate);
    const drained = harness.front.drain();
    gate.waiting[1]!();
    await late.end();
    assert.deepEqual([late.status, JSON.parse(late.body)], [503, { message: 'Draining' }]);
    assert.equal(gate.taken, 1);
    client.socket.destroy();
    await drained;
    await givenBack(gate, 2);
  });

  it('keeps room for others: /healthz is answered while every place waits, and who wants in is told to come again', async () => {
    const { harness, gate } = await gated({ maxPending: 5 });
    const waiting: RawPeer[] = [];
    for (let n = 0; n < 5; n += 1) waiting.push(await asking(harness, gate));
    const health = use(new RawPeer(harness.port));
    health.socket.write('GET /healthz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n');
    await health.end();
    assert.equal(health.status, 200);
    const sixth = use(new RawPeer(harness.port));
    sixth.socket.write(upgradeRequest());
    await sixth.end();
    assert.deepEqual([sixth.status, JSON.parse(sixth.body)], [429, { message: 'Global limit' }]);
    assert.equal(await harness.sample('websocket_proxy_global_rate_limited_requests'), 1);
    assert.ok(waiting.every(({ closed }) => !closed));
    for (const answer of gate.waiting) answer();
    await harness.clients(5);
  });

  it('is told that the edge drains, and not that it is full, where both hold', async () => {
    const { harness, gate } = await gated({ maxPending: 1 });
    const waiting = await asking(harness, gate);
    const drained = harness.front.drain();
    const late = use(new RawPeer(harness.port));
    late.socket.write(upgradeRequest());
    await late.end();
    assert.deepEqual([late.status, JSON.parse(late.body)], [503, { message: 'Draining' }]);
    gate.waiting[0]!();
    await waiting.end();
    await drained;
  });

  it('counts as pending until it is refused and gone', async () => {
    const { harness, gate } = await gated({ maxPending: 1, handshakeTimeoutMs: 60_000 });
    const peer = await asking(harness, gate);
    assert.equal(harness.front.pendingConnections, 1);
    gate.waiting[0]!(LIMITED);
    await peer.end();
    assert.equal(peer.status, 429);
    await harness.pending(0);
  });

  it('does not let a client in whose key was revoked meanwhile', async () => {
    const gate = new Gate();
    const revoked = new Set<string>();
    const inForce = new KeyInForceStep({ isInForce: (keyId) => !revoked.has(keyId) });
    const harness = use(await EdgeHarness.start({}, undefined, { keys: KEYS, limits: [gate, inForce] }));
    const [first, second] = [await asking(harness, gate, '/ws/one'), await asking(harness, gate, '/ws/two')];
    revoked.add('one');
    harness.front.endClientsOf(revoked, 'revoked');
    for (const answer of gate.waiting) answer();
    await first.end();
    assert.deepEqual([first.status, JSON.parse(first.body)], [401, { message: 'Invalid API key' }]);
    await second.head();
    assert.equal(second.status, 101);
    assert.equal(gate.taken, 1);

    harness.front.endClientsOf(new Set(['two']), 'expired');
    const [close] = await second.received(1);
    assert.deepEqual([close?.payload.readUInt16BE(0), close?.payload.toString('utf8', 2)], [1008, 'API key expired']);
    second.socket.destroy();
    await givenBack(gate, 2);
    assert.equal(await harness.sample('flashcast_client_disconnects_total{reason="key_revoked"}'), 1);
  });
});
