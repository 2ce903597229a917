/** What happened in the last quarter of an hour: a strip to glance at, and the lines to read. */
import type { FigureName, Incident, IncidentLane, IncidentLevel } from '../contract.ts';
import { html, svg, watchWidth } from './dom.ts';
import { clockTime, duration } from './format.ts';
import { toneIcon } from './icons.ts';
import type { Model } from './model.ts';

/** With a figure of the programs that have it. */
const LANES: readonly (readonly [IncidentLane, string, FigureName?])[] = [
  ['stream', 'Stream'],
  ['upstreams', 'Upstreams', 'upstreams'],
  ['redis', 'Redis', 'redisUp'],
  ['clients', 'Clients', 'clients'],
  ['health', 'Health'],
];

const WORDS: Readonly<Record<IncidentLevel, string>> = { bad: 'Trouble', note: 'Note', good: 'Over' };
const ROW = 22;
const LEFT = 76;
const MARK = 12;

export class TimelineView {
  readonly #picture: HTMLElement;
  readonly #list: HTMLElement;
  readonly #empty: HTMLElement;
  #model: Model | undefined;
  /** What is listed; a list that does not change is not made again, so that a reader keeps the place. */
  #listed = '';

  constructor(picture: HTMLElement, list: HTMLElement, empty: HTMLElement) {
    this.#picture = picture;
    this.#list = list;
    this.#empty = empty;
    watchWidth(picture, () => this.#draw());
  }

  /** Once a second. */
  draw(model: Model): void {
    this.#model = model;
    this.#draw();
    const { incidents } = model;
    this.#empty.hidden = incidents.length > 0;
    const listed = `${model.about.boot} ${incidents.map(({ id, until }) => `${id.toString()}:${until.toString()}`).join(' ')}`;
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#list.replaceChildren(...incidents.map(lineOf));
  }

  #draw(): void {
    const model = this.#model;
    const width = this.#picture.clientWidth;
    if (model === undefined || width === 0) return;
    this.#picture.replaceChildren(drawing(model, width));
  }
}

function lineOf({ at, until, level, lane, text }: Incident): HTMLLIElement {
  const lasted = until - at;
  const [, name] = LANES.find(([own]) => own === lane) ?? [lane, lane];
  return html(
    'li',
    {},
    html('time', { datetime: new Date(at).toISOString() }, clockTime(at)),
    html('span', { class: 'level' }, toneIcon(level), ` ${WORDS[level]}`),
    html('span', { class: 'lane' }, name),
    html('span', { class: 'what' }, lasted < 1500 ? text : `${text}, over ${duration(lasted)}`),
  );
}

function drawing(model: Model, width: number): SVGElement {
  const { historySeconds } = model.about;
  const now = model.at;
  const lanes = LANES.filter(([, , figure]) => figure === undefined || model.has(figure));
  const height = lanes.length * ROW + 20;
  const x = (at: number) => width - 8 - ((now - at) / 1000 / historySeconds) * (width - LEFT - 8);
  const shown = model.incidents.filter(({ until }) => x(until) >= LEFT).toReversed();
  const troubles = shown.filter(({ level }) => level === 'bad').length;
  const minutes = Array.from({ length: Math.floor(historySeconds / 300) + 1 }, (_, step) => step * 5);
  return svg(
    'svg',
    {
      width,
      height,
      role: 'img',
      'aria-label': `The last ${(historySeconds / 60).toString()} minutes: ${troubles === 0 ? 'no trouble' : `${troubles.toString()} troubles`}, ${(shown.length - troubles).toString()} other events. The list below has them all.`,
    },
    ...minutes.flatMap((minute) => {
      const at = x(now - minute * 60_000);
      const anchor = minute === 0 ? 'end' : 'middle';
      return [
        svg('line', { x1: at, x2: at, y1: 0, y2: height - 18, class: 'grid' }),
        svg(
          'text',
          { x: minute === 0 ? width : at, y: height - 4, class: 'axis', 'text-anchor': anchor },
          minute === 0 ? 'now' : `-${minute.toString()} min`,
        ),
      ];
    }),
    ...lanes.flatMap(([lane, name], row) => {
      const y = row * ROW + ROW / 2;
      return [
        svg('text', { x: 0, y: y + 4, class: 'axis lane' }, name),
        svg('line', { x1: LEFT, x2: width, y1: y, y2: y, class: 'base' }),
        ...shown.filter((incident) => incident.lane === lane).map((incident) => markOf(incident, x, y)),
      ];
    }),
  );
}

/** What went on has a line to its end. */
function markOf({ at, until, level, text }: Incident, x: (at: number) => number, y: number): SVGElement {
  const from = Math.max(LEFT, x(at));
  const icon = toneIcon(level, 'event');
  icon.setAttribute('x', (from - MARK / 2).toString());
  icon.setAttribute('y', (y - MARK / 2).toString());
  icon.setAttribute('width', MARK.toString());
  icon.setAttribute('height', MARK.toString());
  return svg(
    'g',
    { class: level },
    until - at < 1500 ? undefined : svg('line', { x1: from, x2: x(until), y1: y, y2: y, class: 'lasting' }),
    icon,
    svg('title', {}, `${clockTime(at)} ${text}`),
  );
}
