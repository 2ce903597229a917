/** A line of a figure over what is remembered. */
import { svg } from './dom.ts';

const WIDTH = 120;
const HEIGHT = 28;

/** @param values at equal steps, the oldest first; few of them leave the left part empty */
export function sparkline(values: readonly number[]): SVGElement {
  const points = pointsOf(values);
  const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L');
  const [left = WIDTH] = points[0] ?? [];
  return svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH.toString()} ${HEIGHT.toString()}`,
      class: 'spark',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    ...(points.length < 2
      ? []
      : [
          svg('path', {
            d: `M${line}L${WIDTH.toString()} ${HEIGHT.toString()}L${left.toFixed(1)} ${HEIGHT.toString()}Z`,
            class: 'area',
          }),
          svg('path', { d: `M${line}`, class: 'line' }),
        ]),
  );
}

/** Below as many a line would be drawn out of noise. */
const MIN_POINTS = 30;

/** Means of as many values as a point of the line stands for. */
function pointsOf(values: readonly number[]): (readonly [x: number, y: number])[] {
  const perPoint = Math.max(1, Math.ceil(values.length / WIDTH));
  const means: number[] = [];
  for (let end = values.length; end > 0; end -= perPoint) {
    const part = values.slice(Math.max(0, end - perPoint), end);
    means.unshift(part.reduce((sum, one) => sum + one, 0) / part.length);
  }
  const largest = Math.max(...means, Number.MIN_VALUE);
  const step = WIDTH / (Math.max(means.length, MIN_POINTS) - 1);
  return means.map((mean, place) => [
    WIDTH - (means.length - 1 - place) * step,
    HEIGHT - 1.5 - (mean / largest) * (HEIGHT - 4),
  ]);
}
