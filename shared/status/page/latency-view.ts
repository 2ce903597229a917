/** How long messages take: a histogram each, above one axis. */
import type { LatencyName } from '../contract.ts';
import { type Buckets, quantile, total } from './distribution.ts';
import { html, svg, watchWidth } from './dom.ts';
import { count, inText, latency } from './format.ts';
import type { Model } from './model.ts';

const TITLES: Readonly<Record<LatencyName, readonly [title: string, meaning: string]>> = {
  endToEnd: ['End to end', 'from an ingest to the last client'],
  fanout: ['Fan-out', 'from this process to the last client'],
  ingestToEdge: ['Ingest to edge', 'from the receipt to here'],
  publish: ['Publish', 'until the stream has taken it'],
};

const HEIGHT = 44;
/** Seconds at the axis' ends and marks. */
const FROM = 0.000_05;
const TO = 10;
const MARKS = [0.0001, 0.001, 0.01, 0.1, 1];

export class LatencyView {
  readonly #list: HTMLElement;
  #model: Model | undefined;
  #seconds = 60;

  constructor(list: HTMLElement, windows: HTMLElement) {
    this.#list = list;
    watchWidth(list, () => this.#draw());
    windows.addEventListener('change', ({ target }) => {
      if (target instanceof HTMLInputElement) this.#seconds = Number(target.value);
      this.#draw();
    });
  }

  /** Once a second. */
  draw(model: Model): void {
    this.#model = model;
    this.#draw();
  }

  #draw(): void {
    const model = this.#model;
    const width = this.#list.clientWidth;
    if (model === undefined || width === 0) return;
    this.#list.replaceChildren(
      ...model.about.latencies.map(({ name }) => {
        const buckets = model.latency(name, this.#seconds) ?? { bounds: [], counts: [] };
        const [title, meaning] = TITLES[name];
        return html(
          'div',
          { class: 'latency' },
          html('h3', {}, title, html('span', { class: 'sub' }, ` ${meaning}`)),
          html('p', { class: 'quantiles' }, quantilesOf(buckets)),
          drawing(buckets, width),
        );
      }),
    );
  }
}

function quantilesOf(buckets: Buckets): string {
  const values = [0.5, 0.99].map((part) => quantile(buckets, part));
  const [median, p99] = values.map((value) =>
    value === undefined ? undefined : value === Infinity ? 'over 10 s' : inText(latency(value)),
  );
  if (median === undefined || p99 === undefined) return 'nothing measured';
  return `half within ${median}, 99 % within ${p99} · ${count(total(buckets))}`;
}

function x(seconds: number, width: number): number {
  const part = Math.log(Math.max(seconds, FROM) / FROM) / Math.log(TO / FROM);
  return Math.min(1, part) * width;
}

function drawing({ bounds, counts }: Buckets, width: number): SVGElement {
  const largest = Math.max(1, ...counts);
  const base = HEIGHT - 14;
  return svg(
    'svg',
    { width, height: HEIGHT, 'aria-hidden': 'true' },
    ...MARKS.flatMap((mark) => [
      svg('line', { x1: x(mark, width), x2: x(mark, width), y1: 0, y2: base, class: 'grid' }),
      svg('text', { x: x(mark, width), y: HEIGHT - 2, class: 'axis', 'text-anchor': 'middle' }, inText(latency(mark))),
    ]),
    svg('line', { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: 'base' }),
    ...counts.flatMap((one, place) => {
      if (one === 0) return [];
      // Below the first bound there is no bucket to draw: it gets a sliver of its own.
      const from = place === 0 ? 0 : x(bounds[place - 1] ?? TO, width);
      const to = place === 0 ? 4 : Math.max(x(bounds[place] ?? TO, width), from + 3);
      const height = Math.max(2, (one / largest) * (base - 2));
      return [
        svg('rect', { x: from + 0.5, y: base - height, width: Math.max(1, to - from - 1), height, class: 'bar' }),
      ];
    }),
  );
}
