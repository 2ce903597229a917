import { strict as assert } from 'node:assert';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { PendingSockets, type PendingSettings } from '../../../../edge/front/accept/pending-sockets.ts';
import { createEdgeMetrics } from '../../../../shared/metrics/edge-metrics.ts';
import { TestStall } from '../../harness.ts';

const SETTINGS: PendingSettings = { maxPending: 10, maxPendingPerIp: 3, handshakeTimeoutMs: 1000 };

class Setup {
  readonly stall = new TestStall();
  readonly told: Socket[] = [];
  now = 0;
  readonly pending: PendingSockets;

  constructor(settings: Partial<PendingSettings> = {}) {
    this.pending = new PendingSockets(
      { ...SETTINGS, ...settings },
      {
        stall: this.stall,
        now: () => this.now,
        expired: (socket) => {
          this.told.push(socket);
          socket.destroy();
        },
        admissions: createEdgeMetrics(new Registry()).admissions,
      },
    );
  }

  /** A connection on which HTTP is spoken. */
  add(network?: string): Socket {
    const socket = new Socket();
    if (this.pending.add(socket, network, network)) this.pending.serving(socket, socket);
    return socket;
  }
}

describe('pending sockets', () => {
  it('leave at HANDSHAKE_TIMEOUT_MS after they came, asked or not, and are told where HTTP is spoken', () => {
    const setup = new Setup();
    const [served, asking] = [setup.add(), setup.add()];
    const raw = new Socket();
    setup.pending.add(raw, undefined, undefined);
    assert.equal(setup.pending.asks(asking), 'ok');
    setup.now = 999;
    setup.pending.expire();
    assert.deepEqual(setup.told, []);
    setup.now = 1000;
    setup.pending.expire();
    assert.deepEqual(setup.told, [served, asking]);
    assert.ok(raw.destroyed);
  });

  it('have as long again for the next request', () => {
    const setup = new Setup();
    const [kept, idle] = [setup.add(), setup.add()];
    setup.now = 900;
    setup.pending.requested(kept, false);
    setup.now = 1000;
    setup.pending.expire();
    assert.deepEqual([kept.destroyed, idle.destroyed], [false, true]);
  });

  it('are given the time back in which the process stood still', () => {
    const setup = new Setup();
    const socket = setup.add();
    setup.pending.start();
    setup.now = 5000;
    setup.stall.stalled = true;
    setup.pending.expire();
    for (const listener of setup.stall.listeners) listener(5000);
    setup.stall.stalled = false;
    setup.pending.expire();
    assert.equal(socket.destroyed, false);
    setup.now = 6000;
    setup.pending.expire();
    assert.equal(socket.destroyed, true);
    setup.pending.stop();
    assert.equal(setup.stall.listeners.size, 0);
  });

  it('that have been refused ask for nothing more, and give their place first come, first gone', () => {
    const setup = new Setup({ maxPending: 2 });
    const [refused, asking] = [setup.add(), setup.add()];
    assert.equal(setup.pending.asks(refused), 'ok');
    assert.equal(setup.pending.asks(asking), 'ok');
    setup.pending.refused(refused);
    assert.equal(setup.pending.asks(refused), 'gone');
    setup.add();
    assert.deepEqual([refused.destroyed, asking.destroyed], [true, false]);
  });

  it('are counted by the network that the PROXY protocol names, once', async () => {
    const setup = new Setup();
    const sockets = Array.from({ length: 3 }, () => setup.add());
    for (const socket of sockets) assert.ok(setup.pending.identify(socket, '192.0.2.1', '192.0.2.1'));
    const fourth = setup.add();
    assert.equal(setup.pending.identify(fourth, '192.0.2.1', '192.0.2.1'), false);
    assert.ok(fourth.destroyed);
    sockets[0]!.destroy();
    await new Promise((resolve) => sockets[0]!.once('close', resolve));
    assert.ok(setup.pending.identify(setup.add(), '192.0.2.1', '192.0.2.1'));
  });

  it('never exceed their bounds and hold nothing once all are gone, whatever happens in which order', async () => {
    const action = fc.record({
      kind: fc.constantFrom('add', 'add', 'add', 'asks', 'refused', 'requested', 'settle', 'destroy', 'expire'),
      network: fc.constantFrom(undefined, 'a', 'b'),
      pick: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 120 }), async (actions) => {
        const setup = new Setup();
        const all: Socket[] = [];
        for (const { kind, network, pick } of actions) {
          const socket = all[pick % Math.max(all.length, 1)];
          setup.now += 50;
          if (kind === 'add') all.push(setup.add(network));
          else if (kind === 'expire') setup.pending.expire();
          else if (socket === undefined) continue;
          else if (kind === 'destroy') socket.destroy();
          else if (kind === 'requested') setup.pending.requested(socket, pick % 2 === 0);
          else setup.pending[kind](socket);
          // Of ten places one is kept for those that owe their request.
          assert.ok(setup.pending.size <= 11, `${setup.pending.size} pending`);
        }
        setup.pending.stop();
        for (const socket of all) socket.destroy();
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(setup.pending.size, 0);
        for (let n = 0; n < 3; n += 1) assert.ok(!setup.add('a').destroyed, 'a free place of the network');
      }),
      { numRuns: 300 },
    );
  });
});
