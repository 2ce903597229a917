/** Who of the upstreams is first, and how far behind the others are. */
import type { Race } from '../contract.ts';
import { html, svg, watchWidth } from './dom.ts';
import { count, inText, latency, percent } from './format.ts';
import { toneIcon } from './icons.ts';
import type { Model } from './model.ts';

const HEIGHT = 150;
const LEFT = 46;
const BOTTOM = 20;
const MINUTE = 60;

/** Marks by place in the list: told apart by shape, as the colour is one. */
const MARKS: readonly ((x: number, y: number) => SVGElement)[] = [
  (cx, cy) => svg('circle', { cx, cy, r: 3 }),
  (x, y) => svg('path', { d: `M${x.toString()} ${(y - 3.8).toString()}l3.6 6.6h-7.2z` }),
  (x, y) => svg('rect', { x: x - 2.8, y: y - 2.8, width: 5.6, height: 5.6 }),
  (x, y) => svg('path', { d: `M${x.toString()} ${(y - 4).toString()}l4 4-4 4-4-4z` }),
];

function mark(upstream: number, x: number, y: number): SVGElement {
  const element = MARKS[upstream % MARKS.length]?.(x, y) ?? svg('g');
  // A second run through the shapes is drawn hollow.
  element.setAttribute('class', upstream >= MARKS.length ? 'mark hollow' : 'mark');
  return element;
}

export class RaceView {
  readonly #section: HTMLElement;
  readonly #picture: HTMLElement;
  readonly #rows: HTMLElement;
  #model: Model | undefined;

  constructor(section: HTMLElement, picture: HTMLElement, rows: HTMLElement) {
    this.#section = section;
    this.#picture = picture;
    this.#rows = rows;
    watchWidth(picture, () => this.#drawPicture());
  }

  /** Once a second. */
  draw(model: Model): void {
    this.#model = model;
    const upstreams = model.upstreams(MINUTE);
    this.#section.hidden = upstreams.length === 0;
    const firsts = upstreams.reduce((sum, { wins }) => sum + wins, 0);
    this.#rows.replaceChildren(
      ...upstreams.map(({ name, connected, messages, wins, lagMs }, place) =>
        html(
          'tr',
          {},
          html(
            'th',
            { scope: 'row' },
            svg('svg', { viewBox: '0 0 12 12', class: 'key', 'aria-hidden': 'true' }, mark(place, 6, 6)),
            name,
          ),
          html('td', {}, toneIcon(connected ? 'good' : 'bad'), connected ? ' connected' : ' away'),
          html('td', {}, firsts === 0 ? '–' : inText(percent(wins / firsts))),
          html('td', {}, lagMs === undefined ? '–' : inText(latency(lagMs / 1000))),
          html('td', { class: 'wide' }, count(messages)),
        ),
      ),
    );
    this.#drawPicture();
  }

  #drawPicture(): void {
    const model = this.#model;
    if (model === undefined) return;
    // One upstream alone runs no race.
    this.#picture.hidden = model.upstreamNames.length < 2;
    const width = this.#picture.clientWidth;
    if (width > 0 && !this.#picture.hidden) this.#picture.replaceChildren(drawing(model.races, width));
  }
}

/** Milliseconds of the lines: a race is about some, an outage about many. */
const LINES = [5, 50, 500];

function drawing(races: readonly Race[], width: number): SVGElement {
  const shown = races.slice(-Math.floor((width - LEFT) / 8));
  const plot = HEIGHT - BOTTOM - 8;
  const y = (ms: number) => HEIGHT - BOTTOM - (Math.log10(1 + Math.min(ms, 2000)) / Math.log10(2001)) * plot;
  const x = (place: number) => width - 6 - (shown.length - 1 - place) * 8;
  const behind = shown.flatMap((race) => race.behind.map(([, ms]) => ms));
  const last = Math.max(0, ...behind);
  return svg(
    'svg',
    {
      width,
      height: HEIGHT,
      role: 'img',
      'aria-label': `The last ${shown.length.toString()} flashblocks: the first upstream on the base line, the others by their delay, ${Math.round(last).toString()} ms at most.`,
    },
    ...[0, ...LINES].flatMap((ms) => [
      svg('line', { x1: LEFT, x2: width, y1: y(ms), y2: y(ms), class: ms === 0 ? 'base' : 'grid' }),
      svg(
        'text',
        { x: LEFT - 6, y: y(ms) + 4, class: 'axis', 'text-anchor': 'end' },
        ms === 0 ? 'first' : `${ms.toString()} ms`,
      ),
    ]),
    svg('text', { x: width, y: HEIGHT - 4, class: 'axis', 'text-anchor': 'end' }, 'now'),
    ...shown.flatMap((race, place) => [
      mark(race.first, x(place), y(0)),
      ...race.behind.map(([upstream, ms]) => mark(upstream, x(place), y(ms))),
    ]),
  );
}
