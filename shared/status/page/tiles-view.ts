import { quantile } from './distribution.ts';
import { html } from './dom.ts';
import { type Quantity, bytes, count, inText, latency, percent, rate } from './format.ts';
import type { Model } from './model.ts';
import { sparkline } from './spark.ts';

/** One figure with its last quarter of an hour. */
interface Tile {
  readonly label: string;
  readonly quantity: Quantity;
  readonly note: string;
  readonly series: readonly number[];
}

/** Rates are means over this: a second has five or six flashblocks. */
const RATE_SECONDS = 5;
const MINUTE = 60;
/** Some eighty messages of Base: enough for the slowest in a hundred to mean something. */
const LATENCY_WINDOW_SECONDS = 15;

export class TilesView {
  readonly #list: HTMLElement;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  /** Once a second. */
  draw(model: Model): void {
    this.#list.replaceChildren(
      ...tilesOf(model).map(({ label, quantity, note, series }) =>
        html(
          'li',
          { class: 'tile' },
          html('span', { class: 'label' }, label),
          html('span', { class: 'figure' }, quantity.value, html('span', { class: 'unit' }, ` ${quantity.unit}`)),
          html('span', { class: 'sub' }, note),
          sparkline(series),
        ),
      ),
    );
  }
}

function tilesOf(model: Model): Tile[] {
  return [...flow(model), ...(model.has('clients') ? clients(model) : []), slowest(model), process(model)].filter(
    (tile) => tile !== undefined,
  );
}

function flow(model: Model): Tile[] {
  const ingests = !model.has('messages');
  const name = ingests ? 'published' : 'messages';
  const missing = model.sum('lost', MINUTE) + model.sum('gapsLost', MINUTE) + model.sum('dropped', MINUTE);
  const stream: Tile = {
    label: 'Flashblocks',
    quantity: rate(model.rate(name, RATE_SECONDS)),
    note: missing === 0 ? 'none missing in a minute' : `${count(missing)} missing in a minute`,
    series: model.series(name),
  };
  if (!ingests) return [stream];
  return [
    stream,
    {
      label: 'From upstreams',
      quantity: perSecond(bytes(model.rate('upstreamBytes', RATE_SECONDS))),
      note: `${count(model.figure('upstreams'))} of ${count(model.upstreamNames.length)} connected`,
      series: model.series('upstreamBytes'),
    },
    {
      label: 'Wait to be published',
      quantity: { value: count(model.figure('buffered')), unit: 'messages' },
      note: `${count(model.sum('dropped', MINUTE))} let go in a minute`,
      series: model.series('buffered'),
    },
  ];
}

function clients(model: Model): Tile[] {
  const queue = model.figure('queueMessages');
  return [
    {
      label: 'Clients',
      quantity: { value: count(model.figure('clients')), unit: `of ${count(model.figure('clientLimit'))}` },
      note: `${count(model.sum('opened', MINUTE))} came, ${count(model.sum('closed', MINUTE))} left in a minute`,
      series: model.series('clients'),
    },
    {
      label: 'Delivered',
      quantity: perSecond(bytes(model.rate('sentBytes', RATE_SECONDS))),
      note: `${inText(rate(model.rate('sent', RATE_SECONDS)))} messages`,
      series: model.series('sentBytes'),
    },
    {
      label: 'Slowest client',
      quantity: { value: count(queue), unit: queue === 1 ? 'message waits' : 'messages wait' },
      note: `${count(model.sum('slow', MINUTE))} closed as too slow in a minute`,
      series: model.series('queueMessages'),
    },
  ];
}

/** The latency that a client, or the next process, sees. */
function slowest(model: Model): Tile | undefined {
  const { latencies } = model.about;
  const [first] = latencies;
  if (first === undefined) return undefined;
  const buckets = model.latency(first.name, MINUTE);
  const p99 = buckets && quantile(buckets, 0.99);
  const median = buckets && quantile(buckets, 0.5);
  return {
    label: first.name === 'publish' ? 'Publish, p99' : 'To the last client, p99',
    quantity: p99 === undefined ? { value: '–', unit: '' } : latency(p99),
    note: median === undefined ? 'nothing in a minute' : `half within ${inText(latency(median))}`,
    series: model.latencySeries(first.name, LATENCY_WINDOW_SECONDS).map((window) => quantile(window, 0.99) ?? 0),
  };
}

function process(model: Model): Tile {
  return {
    label: 'Processor',
    quantity: percent(model.rate('cpu', RATE_SECONDS)),
    note: `of a core; ${inText(bytes(model.figure('memory')))} of memory`,
    series: model.series('cpu'),
  };
}

function perSecond({ value, unit }: Quantity): Quantity {
  return { value, unit: `${unit}/s` };
}
