/** Seconds: from 50 us, below which nothing here is worth telling apart, to 10 s. */
export const LATENCY_BUCKETS = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1,
  0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10,
];

/** Bytes: doubling from 512 to the default MAX_MESSAGE_BYTES. */
export const SIZE_BUCKETS = Array.from({ length: 14 }, (_, power) => 512 * 2 ** power);
