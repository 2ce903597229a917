import { Redis } from 'ioredis';

/** One command on a connection of its own. Rejects where the server is not there or answers with an error. */
export async function redisCommand(url: string, name: string, ...args: readonly string[]): Promise<unknown> {
  // Without `readOnly` a replica in a Cluster sends readers to its primary.
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, readOnly: true });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}
