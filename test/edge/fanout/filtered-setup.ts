import { setImmediate as turn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { type Filter, createFilter } from '../../../edge/filter/filter.ts';
import { Fanout } from '../../../edge/fanout/fanout.ts';
import type { LagLimits } from '../../../edge/fanout/limits.ts';
import { ringCodec } from '../../../edge/ring-codec.ts';
import { createRing } from '../../../edge/stream/ring.ts';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../../shared/metrics/encoding-metrics.ts';
import { TestStall, samplesOf } from '../harness.ts';
import { envelopeOf } from '../stream/envelopes.ts';
import { FakeClient } from './fake-clients.ts';

export const addressOf = (name: number) => name.toString(16).padStart(40, '5');
export const wanting = (...names: number[]): Filter => createFilter(names.map(addressOf), [], 'any')!;

/** A ring and a fan-out, with names for addresses. */
export class FilteredSetup {
  readonly registry = new Registry();
  readonly metrics = createEdgeMetrics(this.registry);
  readonly ring = createRing(
    { streamMaxMessages: 64, streamMaxBytes: 1_000_000 },
    { codec: ringCodec, metrics: createEncodingMetrics(this.registry), onUndecodable: () => undefined },
  );
  readonly fanout: Fanout<FakeClient>;
  time = 10_000;
  sequence = 0;
  /** How long a look at a message takes. */
  lookMs = 0;
  /** The names in each message, by its number. */
  readonly messages: (readonly number[])[] = [];

  constructor(limits: Partial<LagLimits> = {}) {
    this.fanout = new Fanout<FakeClient>(
      { messageBufferSize: 20, clientQueueBytes: 1_000_000, clientSendTimeoutMs: 1000, ...limits },
      { ring: this.ring, metrics: this.metrics, stall: new TestStall(), now: () => this.time },
    );
  }

  join(filter: Filter | undefined, cursor = this.ring.head): FakeClient {
    const client = new FakeClient('identity', cursor);
    this.fanout.add(client, filter);
    return client;
  }

  /**
   * A message whose transactions name these addresses.
   *
   * @param filler bytes by which it is longer
   */
  deliver(names: readonly number[], fields: Parameters<typeof envelopeOf>[1] = {}, filler = 0): void {
    const transactions = names.map((name) => `0x02${addressOf(name)}`);
    const plain = Buffer.from(
      `{"n":"${this.sequence}","diff":${JSON.stringify({ transactions, note: 'x'.repeat(filler) })}}`,
    );
    this.messages.push(names);
    this.sequence += 1;
    const position = { blockNumber: 1, index: this.sequence };
    const envelope = envelopeOf(this.sequence, { plain, position, ...fields });
    const entry = this.ring.append({ envelope, lostBefore: 0 }, this.time);
    const scanForm = entry.scanForm.bind(entry);
    entry.scanForm = () => {
      this.time += this.lookMs;
      return scanForm();
    };
    this.fanout.entry(entry);
  }

  /** From now on each message takes a millisecond to look at. */
  slowDown(): void {
    const at = this.ring.at.bind(this.ring);
    this.ring.at = (ordinal) => {
      this.time += 1;
      return at(ordinal);
    };
  }

  async settled(): Promise<void> {
    while (!this.fanout.isSettled) await turn();
  }

  async sample(name: string): Promise<number | undefined> {
    return (await samplesOf(this.registry)).get(name);
  }
}

/** Which messages a client was written. */
export function numbersOf(client: FakeClient): number[] {
  return client.socket.written.map((frame) => Number(/"n":"(\d+)"/.exec(frame.toString('latin1'))?.[1]));
}
