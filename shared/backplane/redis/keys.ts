/** A key that is never made. It is in the hash slot of the keys beside it, and stands for them where a server is asked something. */
export interface AbsentKey {
  readonly absent: string;
}

/** Every key and channel of the stream in Redis. */
export interface StreamKeys extends AbsentKey {
  /** Hash, see `append.lua`. */
  readonly state: string;
  /** Stream of envelopes. */
  readonly history: string;
  /** Where envelopes are published; sharded in a Cluster. */
  readonly channel: string;
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

/** Every key of the limits in Redis; `admit.lua` tells what they hold. */
export interface LimitKeys extends AbsentKey {
  /** @param address what clients count by: an IPv4 address, or an IPv6 prefix; its colons end no part of a key */
  rate(address: string): string;
  addressLeases(address: string): string;
  /** @param application any text: it is escaped */
  applicationLeases(application: string): string;
}

/**
 * Builds the keys of the limits, all in one hash slot, so that one script can look at several.
 *
 * @param prefix REDIS_KEY_PREFIX, without braces and white space
 */
export function limitKeys(prefix: string): LimitKeys {
  const limits = `${prefix}:{${prefix}:limits}`;
  return {
    absent: `${limits}:absent`,
    rate: (address) => `${limits}:rate:${address}`,
    addressLeases: (address) => `${limits}:ip:${address}`,
    applicationLeases: (application) => `${limits}:app:${encodeURIComponent(Buffer.from(application).toString())}`,
  };
}
