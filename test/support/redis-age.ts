import type { Cluster, Redis } from 'ioredis';
import { streamKeys } from '../../shared/backplane/redis/keys.ts';

/** Times in the state's texts: 13 digits between separators, see append.lua. */
const TIMES = /(?<=^|:)\d{13}(?=$|:| )/g;

/**
 * Makes the stored stream older, as if Redis' clock had gone on: tests need not wait for a retention to pass. Nobody may
 * publish meanwhile.
 */
export async function ageStream(client: Redis | Cluster, prefix: string, ms: number): Promise<void> {
  const keys = streamKeys(prefix);
  const older = (text: string) => text.replaceAll(TIMES, (time) => String(Number(time) - ms).padStart(13, '0'));
  const state = await client.hgetall(keys.state);
  for (const [field, value] of Object.entries(state)) {
    const holdsTimes = field.endsWith('At') || field === 'recent' || field.startsWith('publisher:');
    if (holdsTimes) await client.hset(keys.state, field, older(value));
  }
  const entries = await client.xrangeBuffer(keys.history, '-', '+');
  await client.del(keys.history);
  for (const [id, [time, at, ...rest]] of entries) {
    if (time !== undefined && at !== undefined)
      await client.xadd(keys.history, id, time, older(at.toString()), ...rest);
  }
}
