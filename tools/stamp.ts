/**
 * The time at which a builder sent a message, written into the message: `metadata.sent_monotonic_ms`, milliseconds of the
 * system's monotonic clock. All processes of a machine share that clock and nobody sets it, so that a reader on the same
 * machine knows to the microsecond how long the message took; elsewhere the number means nothing.
 */

/** How builders end a message: the closing of `metadata` and of the message. */
const END = '}}';
const STAMP = /"sent_monotonic_ms":(\d+(?:\.\d+)?)\}\}$/;
/** A stamp stands in the last bytes of a message. */
const STAMP_BYTES = 64;

/**
 * Milliseconds of the system's monotonic clock. `performance.now()` has an origin of its own in each thread, and
 * `process.hrtime` is slow.
 */
export const monotonicMs: () => number = (() => {
  const [seconds, nanoseconds] = process.hrtime();
  const offset = seconds * 1000 + nanoseconds / 1e6 - performance.now();
  return () => performance.now() + offset;
})();

/** @param plain compact JSON of a message whose last field is `metadata`, which is not empty; anything else is given back as it is */
export function stampMessage(plain: Buffer, sentAtMs: number): Buffer {
  if (plain.toString('latin1', plain.length - END.length) !== END) return plain;
  const stamp = Buffer.from(`,"sent_monotonic_ms":${sentAtMs.toFixed(3)}${END}`);
  return Buffer.concat([plain.subarray(0, plain.length - END.length), stamp]);
}

/** @returns `undefined` for a message without a stamp */
export function readStamp(plain: Buffer): number | undefined {
  const text = STAMP.exec(plain.toString('latin1', Math.max(0, plain.length - STAMP_BYTES)))?.[1];
  return text === undefined ? undefined : Number(text);
}
