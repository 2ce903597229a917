/**
 * What filters cost the edge for each message, in CPU: `node --import=ts-blank-space/register test/bench/filter.bench.ts`. Machines are
 * noisy, so that the counts of filters take turns within one run and only ratios between them say something.
 */
import { createFilter } from '../../edge/filter/filter.ts';
import { FilterIndex } from '../../edge/filter/filter-index.ts';
import { type ScanForm, readScanForm } from '../../edge/filter/scan-form.ts';
import { SimulatedChain } from '../../tools/simulate/chain.ts';
import { Random } from '../../tools/simulate/random.ts';

const COUNTS = [1, 100, 1000, 10_000];
const TERMS = 10;
const ROUNDS = 40;
/** Messages of 40 KB look alike; this many keep a processor from learning one by heart. */
const MESSAGES = 20;
const TARGET_BYTES = 40_000;

const random = new Random(11);
const chain = new SimulatedChain({ seed: 3 });
const messages: Buffer[] = [];
for (let blockNumber = 1; messages.length < MESSAGES; blockNumber += 1) {
  const message = chain.message({ blockNumber, index: 1 + (blockNumber % 10) });
  if (Math.abs(message.length - TARGET_BYTES) < 4_000) messages.push(message);
}
const forms = messages.map((message) => readScanForm(message)).filter((form): form is ScanForm => form !== undefined);

/** Filters that match nothing: half of their addresses begin with zeros, as calldata is full of them. */
function indexOf(count: number, zeros: boolean): FilterIndex {
  const index = new FilterIndex();
  const term = (at: number) => (zeros && at % 2 === 0 ? `00000000${random.hex(16)}` : random.hex(20));
  for (let filter = 0; filter < count; filter += 1) {
    const wanted = createFilter(
      Array.from({ length: TERMS }, (_, at) => term(at)),
      [],
      'any',
    );
    if (wanted !== undefined) index.add(wanted);
  }
  return index;
}

interface Case {
  readonly name: string;
  readonly run: (at: number) => void;
  readonly times: number[];
}

const cases: Case[] = [{ name: 'no look at all', run: () => undefined, times: [] }];
cases.push({ name: 'parse and decode', run: (at) => void readScanForm(messages[at]!), times: [] });
for (const zeros of [false, true]) {
  for (const count of COUNTS) {
    const index = indexOf(count, zeros);
    const name = `${count} filters x ${TERMS}${zeros ? ', half begin with zeros' : ''}`;
    cases.push({ name: `${name}, kept form`, run: (at) => void index.match(forms[at]!), times: [] });
    cases.push({ name, run: (at) => void index.match(readScanForm(messages[at]!)!), times: [] });
  }
}

for (let round = 0; round < ROUNDS; round += 1) {
  for (const { run, times } of cases) {
    const before = process.cpuUsage();
    for (let at = 0; at < MESSAGES; at += 1) run(at);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / MESSAGES);
  }
}

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] ?? NaN;
const one = median(cases.find(({ name }) => name === `1 filters x ${TERMS}`)!.times);
for (const { name, times } of cases) {
  const us = median(times);
  console.log(
    `${name.padEnd(60)} ${us.toFixed(1).padStart(8)} us per message ${(us / one).toFixed(2).padStart(6)} of one`,
  );
}
