/** A program with a publisher and a source of its own; trust in certificates is decided when a process starts. */
import { Writer, draft, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';

const harness = new RedisHarness(process.argv[2] ?? '');
harness.client.disconnect();
const recorder = await startSource(harness.source());
const writer = new Writer(await startPublisher(harness.publisher()));
const outcomes = results(await writer.publish(draft(0)));
await recorder.messages(1);
await harness.close();
process.stdout.write(JSON.stringify(outcomes));
