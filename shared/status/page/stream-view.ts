/** The stream, block by block: a flashblock is a bar at its time, as high as its size. */
import type { BlockRecord } from '../contract.ts';
import { html, setText, svg, watchWidth } from './dom.ts';
import { bytes, count, inText, shortId } from './format.ts';
import { type Lane, type Picture, layOut } from './lanes.ts';
import type { Model } from './model.ts';

const LANE_HEIGHT = 38;
const BAR_HEIGHT = 30;
const NARROW = 560;

interface Frame {
  readonly width: number;
  readonly left: number;
  readonly right: number;
  readonly barWidth: number;
}

export class StreamView {
  readonly #picture: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #table: HTMLTableSectionElement;
  #model: Model | undefined;

  constructor(picture: HTMLElement, empty: HTMLElement, table: HTMLTableSectionElement) {
    this.#picture = picture;
    this.#empty = empty;
    this.#table = table;
    watchWidth(picture, () => this.#draw());
  }

  draw(model: Model): void {
    this.#model = model;
    this.#draw();
  }

  /** Once a second. */
  drawTable(model: Model): void {
    this.#table.replaceChildren(...model.blocks.toReversed().map(rowOf));
  }

  #draw(): void {
    const model = this.#model;
    const width = this.#picture.clientWidth;
    if (model === undefined || width === 0) return;
    const none = model.blocks.length === 0;
    this.#picture.hidden = none;
    this.#empty.hidden = !none;
    if (none) {
      setText(this.#empty, emptyText(model));
      return;
    }
    const narrow = width < NARROW;
    const picture = layOut(model.blocks, narrow ? 8 : 10);
    const frame = narrow ? { width, left: 76, right: 4, barWidth: 9 } : { width, left: 104, right: 132, barWidth: 14 };
    this.#picture.replaceChildren(drawing(picture, frame, narrow));
  }
}

function emptyText(model: Model): string {
  if (model.about.program === 'edge') return 'No flashblock yet: the edge waits for what an ingest publishes.';
  return model.figure('upstreams') === 0
    ? 'No flashblock yet: no upstream is connected.'
    : 'No flashblock yet: the upstream is connected and sends nothing.';
}

function drawing(picture: Picture, frame: Frame, narrow: boolean): SVGElement {
  const { lanes, spanMs } = picture;
  const height = lanes.length * LANE_HEIGHT + 22;
  const plot = frame.width - frame.left - frame.right - frame.barWidth;
  const x = (ms: number) => frame.left + (Math.min(ms, spanMs) / spanMs) * plot;
  const lines = Array.from({ length: Math.floor(spanMs / 500) + 1 }, (_, step) => step * 500);
  return svg(
    'svg',
    { width: frame.width, height, role: 'img', 'aria-label': label(lanes) },
    ...lines.map((ms) =>
      svg('line', { x1: x(ms), x2: x(ms), y1: 0, y2: height - 20, class: ms % 1000 === 0 ? 'grid strong' : 'grid' }),
    ),
    ...lines
      .filter((ms) => ms % 1000 === 0 || !narrow)
      .map((ms) =>
        svg(
          'text',
          { x: x(ms), y: height - 4, class: 'axis', 'text-anchor': ms === 0 ? 'start' : 'middle' },
          `${(ms / 1000).toString()} s`,
        ),
      ),
    ...lanes.map((lane, place) => laneOf(lane, place, frame, x, narrow)),
  );
}

function laneOf(lane: Lane, place: number, frame: Frame, x: (ms: number) => number, narrow: boolean): SVGElement {
  const base = place * LANE_HEIGHT + BAR_HEIGHT + 4;
  const { block, bars, missing } = lane;
  const newest = place === 0 ? bars.length - 1 : -1;
  return svg(
    'g',
    { class: place === 0 ? 'lane newest' : 'lane' },
    svg('line', { x1: frame.left, x2: frame.width - frame.right, y1: base + 0.5, y2: base + 0.5, class: 'base' }),
    svg(
      'text',
      { x: 0, y: base - 3, class: 'block' },
      narrow ? `…${block.block.toString().slice(-6)}` : count(block.block),
    ),
    ...missing.map(({ index, atMs }) =>
      svg(
        'rect',
        {
          x: x(atMs) + 0.5,
          y: base - BAR_HEIGHT + 8,
          width: frame.barWidth - 1,
          height: BAR_HEIGHT - 8,
          class: 'missing',
        },
        svg('title', {}, `index ${index.toString()} is missing`),
      ),
    ),
    ...bars.map(({ flashblock, atMs, size }, at) => {
      const height = Math.max(2, size * BAR_HEIGHT);
      const classes = ['bar', ...(flashblock.index === 0 ? ['first'] : []), ...(at === newest ? ['last'] : [])];
      return svg(
        'rect',
        { x: x(atMs), y: base - height, width: frame.barWidth, height, rx: 1.5, class: classes.join(' ') },
        svg(
          'title',
          {},
          `index ${flashblock.index.toString()}: ${inText(bytes(flashblock.bytes))} after ${atMs.toString()} ms`,
        ),
      );
    }),
    narrow
      ? undefined
      : svg(
          'text',
          { x: frame.width, y: base - 3, class: missing.length > 0 ? 'sum bad' : 'sum', 'text-anchor': 'end' },
          missing.length > 0
            ? `${count(missing.length)} missing`
            : `${count(bars.length + block.leftOut)} · ${inText(bytes(lane.bytes))}`,
        ),
  );
}

function label(lanes: readonly Lane[]): string {
  const [newest] = lanes;
  if (newest === undefined) return 'No block';
  const missing = lanes.reduce((sum, lane) => sum + lane.missing.length, 0);
  return `The last ${lanes.length.toString()} blocks, the newest is ${newest.block.block.toString()} with ${newest.bars.length.toString()} flashblocks so far; ${missing === 0 ? 'none' : missing.toString()} missing. The table below has the figures.`;
}

function rowOf(block: BlockRecord): HTMLTableRowElement {
  const { flashblocks } = block;
  const [lane] = layOut([block], 1).lanes;
  const spanMs = (flashblocks.at(-1)?.at ?? 0) - (flashblocks[0]?.at ?? 0);
  const packed = flashblocks.reduce((sum, one) => sum + (one.packed ?? 0), 0);
  return html(
    'tr',
    {},
    html('th', { scope: 'row' }, count(block.block)),
    html('td', { class: 'wide' }, shortId(block.payloadId)),
    html('td', {}, count(flashblocks.length + block.leftOut)),
    html('td', {}, count(lane?.missing.length ?? 0)),
    html('td', {}, inText(bytes(lane?.bytes ?? 0))),
    html('td', { class: 'wide' }, packed === 0 ? '–' : inText(bytes(packed))),
    html('td', { class: 'broad' }, `${count(spanMs)} ms`),
  );
}
