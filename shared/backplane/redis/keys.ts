/** Every key and channel of the stream in Redis. */
export interface StreamKeys {
  /** Hash, see `append.lua`. */
  readonly state: string;
  /** Stream of envelopes. */
  readonly history: string;
  /** Where envelopes are published; sharded in a Cluster. */
  readonly channel: string;
  /** Never made: a write to it shows whether writes are taken, and changes nothing. */
  readonly absent: string;
}

/**
 * Builds the stream's keys. What the braces hold decides the hash slot, so that all of them are in one.
 *
 * @param prefix REDIS_KEY_PREFIX, without braces and white space
 */
export function streamKeys(prefix: string): StreamKeys {
  const stream = `${prefix}:{${prefix}:stream}`;
  return {
    state: `${stream}:state`,
    history: `${stream}:history`,
    channel: `${stream}:channel`,
    absent: `${stream}:absent`,
  };
}
