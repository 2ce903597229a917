import { strict as assert } from 'node:assert';
import { mock } from 'node:test';
import { POSITION_WAIT_MS, PositionWaits } from '../../../edge/front/position-waits.ts';
import type { RingEntry } from '../../../edge/stream/contract.ts';
import { FakeClient } from '../fanout/fake-clients.ts';
import { TestStall } from '../harness.ts';
import { envelopeOf } from '../stream/envelopes.ts';
import { parsePosition } from '../../support/positions.ts';

describe('waits for a position', () => {
  class Setup {
    readonly ring = { head: 0 };
    readonly stall = new TestStall();
    readonly ended: string[] = [];
    readonly waits: PositionWaits<FakeClient>;
    readonly names = new Map<FakeClient, string>();
    time = 0;

    constructor() {
      this.waits = new PositionWaits<FakeClient>({
        ring: this.ring,
        stall: this.stall,
        now: () => this.time,
        ended: (client, { outcome, cursor }) => this.ended.push(`${this.names.get(client)} ${outcome} ${cursor}`),
      });
    }

    wait(position: string, payloadId?: string): FakeClient {
      const client = new FakeClient('identity', this.ring.head);
      this.names.set(client, position);
      this.waits.add(client, { position: parsePosition(position), ...(payloadId !== undefined && { payloadId }) });
      return client;
    }

    entry(position: string | undefined, { restart = false, payloadId = 'a' } = {}): void {
      const fields = position === undefined ? {} : { position: parsePosition(position), payloadId };
      const ordinal = this.ring.head;
      this.ring.head += 1;
      const envelope = envelopeOf(this.ring.head, fields);
      const entry: RingEntry = {
        ordinal,
        envelope,
        lostBefore: 0,
        arrivedAt: 0,
        bytes: 0,
        frame: () => undefined,
        scanForm: () => undefined,
      };
      this.waits.entry(entry, restart);
    }
  }

  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('end behind the position when it is reached', () => {
    const setup = new Setup();
    setup.wait('9-2');
    setup.wait('9-3');
    for (const position of ['9-0', '9-1', '9-2']) setup.entry(position);
    assert.deepEqual(setup.ended, ['9-2 complete 3']);
    setup.entry('9-3');
    assert.deepEqual(setup.ended, ['9-2 complete 3', '9-3 complete 4']);
    assert.equal(setup.waits.size, 0);
  });

  it('end before the message that passes it, and before what has no position and may stand behind it', () => {
    const setup = new Setup();
    setup.wait('9-2');
    for (const position of ['9-1', undefined, '9-3']) setup.entry(position);
    assert.deepEqual(setup.ended, ['9-2 live 1']);
  });

  it('end before the message that begins the chain anew', () => {
    const setup = new Setup();
    setup.wait('9-2');
    setup.entry('9-1');
    setup.entry('5-0', { restart: true });
    assert.deepEqual(setup.ended, ['9-2 live 1']);
  });

  it('go on over a take-over, which other edges have behind them', () => {
    const setup = new Setup();
    setup.wait('9-2');
    for (const position of ['9-1', '9-0', '9-1']) setup.entry(position);
    assert.deepEqual(setup.ended, []);
    setup.entry('9-2');
    assert.deepEqual(setup.ended, ['9-2 complete 4']);
  });

  it('go on over the payload that theirs takes the block over from', () => {
    const setup = new Setup();
    setup.wait('9-0', 'b');
    for (const [position, payloadId] of [
      ['9-0', 'a'],
      ['9-1', 'a'],
    ] as const) {
      setup.entry(position, { payloadId });
    }
    assert.deepEqual(setup.ended, []);
    setup.entry('9-0', { payloadId: 'b' });
    assert.deepEqual(setup.ended, ['9-0 complete 3']);
  });

  it('are passed by the next block where their payload never came', () => {
    const setup = new Setup();
    setup.wait('9-2', 'b');
    setup.entry('9-2', { payloadId: 'a' });
    setup.entry('10-0', { payloadId: 'c' });
    assert.deepEqual(setup.ended, ['9-2 live 1']);
  });

  it('end after 5 s at the head, each at its own time', () => {
    const setup = new Setup();
    setup.wait('9-2');
    setup.time = 3000;
    setup.wait('9-3');
    setup.entry('9-0');
    setup.time = POSITION_WAIT_MS - 1;
    mock.timers.tick(POSITION_WAIT_MS - 1);
    assert.deepEqual(setup.ended, []);
    setup.time = POSITION_WAIT_MS;
    mock.timers.tick(1);
    assert.deepEqual(setup.ended, ['9-2 live 1']);
    setup.time = 3000 + POSITION_WAIT_MS;
    mock.timers.tick(3000);
    assert.deepEqual(setup.ended, ['9-2 live 1', '9-3 live 1']);
  });

  it('begin anew when the process stood still', () => {
    const setup = new Setup();
    setup.wait('9-2');
    setup.time = 20_000;
    for (const listener of setup.stall.listeners) listener(setup.time);
    setup.waits.expire();
    assert.deepEqual(setup.ended, []);
    setup.time += POSITION_WAIT_MS;
    setup.waits.expire();
    assert.deepEqual(setup.ended, ['9-2 live 0']);
  });

  it('are forgotten with their client', () => {
    const setup = new Setup();
    const client = setup.wait('9-2');
    setup.waits.remove(client);
    setup.waits.remove(client);
    setup.entry('9-2');
    setup.time = POSITION_WAIT_MS;
    setup.waits.expire();
    assert.deepEqual(setup.ended, []);
  });

  it('leave no timer and no listener behind', () => {
    const setup = new Setup();
    setup.wait('9-2');
    setup.waits.stop();
    setup.waits.stop();
    setup.time = POSITION_WAIT_MS;
    mock.timers.tick(POSITION_WAIT_MS);
    assert.deepEqual(setup.ended, []);
    assert.equal(setup.stall.listeners.size, 0);
  });
});
