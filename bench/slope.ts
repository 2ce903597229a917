/** A straight line through values that come at even times. */
export interface Slope {
  /** Change from one value to the next. */
  readonly perStep: number;
  /** Half of the 95 % interval of it. */
  readonly uncertainty: number;
}

/** Student's t for 95 %, by degrees of freedom from 1 on; behind the last the normal distribution is near enough. */
const T95 = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13];
const T95_MANY = 2;

/** Least squares. */
export function slopeOf(values: readonly number[]): Slope {
  const count = values.length;
  if (count < 3) return { perStep: NaN, uncertainty: Infinity };
  const middle = (count - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const spread = values.reduce((sum, _value, at) => sum + (at - middle) ** 2, 0);
  const perStep = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0) / spread;
  const residual = values.reduce((sum, value, at) => sum + (value - mean - perStep * (at - middle)) ** 2, 0);
  const error = Math.sqrt(residual / (count - 2) / spread);
  return { perStep, uncertainty: (T95[count - 3] ?? T95_MANY) * error };
}
