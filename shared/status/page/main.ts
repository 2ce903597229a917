/** Puts the page together: events into the model, the model onto the page. */
import { ChecksView } from './checks-view.ts';
import { ClientView } from './client-view.ts';
import { byId, setText } from './dom.ts';
import { count, duration } from './format.ts';
import { toneIcon } from './icons.ts';
import { LatencyView } from './latency-view.ts';
import { Link } from './link.ts';
import { Model } from './model.ts';
import { RaceView } from './race-view.ts';
import { StreamView } from './stream-view.ts';
import { TilesView } from './tiles-view.ts';
import { TimelineView } from './timeline-view.ts';
import { type LinkState, type Tone, verdict } from './verdict.ts';

/** How often the sentence at the top is looked at: ages in it have tenths of a second. */
const VERDICT_MS = 250;

const views = {
  tiles: new TilesView(byId('tiles')),
  stream: new StreamView(byId('stream-picture'), byId('stream-empty'), byId('stream-rows') as HTMLTableSectionElement),
  race: new RaceView(byId('race'), byId('race-picture'), byId('race-rows')),
  latency: new LatencyView(byId('latencies'), byId('latency-windows')),
  timeline: new TimelineView(byId('timeline-picture'), byId('incidents'), byId('incidents-empty')),
  checks: new ChecksView(byId('checks')),
  client: new ClientView({
    section: byId('client'),
    form: byId('client-form') as HTMLFormElement,
    address: byId('client-address') as HTMLInputElement,
    button: byId('client-button') as HTMLButtonElement,
    state: byId('client-state'),
    figures: byId('client-figures'),
    table: byId('client-table'),
    rows: byId('client-rows') as HTMLTableSectionElement,
  }),
};

let model: Model | undefined;
let link: LinkState['is'] = 'connecting';
let tone: Tone | undefined;
/** When the process was last heard of, and when its newest message came; monotonic milliseconds of this browser. */
let heardAt = performance.now();
let newestAt: number | undefined;

function heard(): void {
  heardAt = performance.now();
}

function setNewest(ageMs: number | null): void {
  newestAt = ageMs === null ? undefined : performance.now() - ageMs;
}

/** Every second, and at once when the process told everything. */
function drawAll(now: Model): void {
  views.tiles.draw(now);
  views.stream.draw(now);
  views.stream.drawTable(now);
  views.race.draw(now);
  views.latency.draw(now);
  views.timeline.draw(now);
  views.checks.draw(now.state.checks);
  const { program, id, version, startedAt, scope } = now.about;
  setText(byId('program'), program);
  setText(byId('identity'), `${id} · version ${version} · up ${duration(now.at - startedAt)}`);
  byId('scope').hidden = scope === undefined;
  setText(byId('scope'), scope ?? '');
}

function drawVerdict(): void {
  const now = performance.now();
  const state: LinkState = link === 'lost' ? { is: 'lost', sinceMs: now - heardAt } : { is: link };
  const newestAgeMs = newestAt === undefined ? null : now - newestAt;
  const { tone: own, title, detail } = verdict(model, state, newestAgeMs);
  if (own !== tone) {
    tone = own;
    byId('verdict').className = `verdict ${own}`;
    byId('verdict-icon').replaceChildren(toneIcon(own, 'large'));
  }
  setText(byId('verdict-title'), title);
  setText(byId('verdict-detail'), detail);
  document.body.classList.toggle('stale', link === 'lost' || link === 'full');
  const newest = model?.newest;
  setText(byId('newest-block'), newest === undefined ? '–' : count(newest.block));
  setText(byId('newest-index'), newest === undefined ? '–' : count(newest.index));
  setText(byId('newest-age'), newestAgeMs === null ? '–' : duration(newestAgeMs));
  document.title = `${title} – flashcast${model === undefined ? '' : ` ${model.about.program}`}`;
}

new Link('status/events', {
  snapshot(snapshot) {
    heard();
    link = 'open';
    model = new Model(snapshot);
    setNewest(snapshot.state.newestAgeMs);
    views.client.offer(model);
    drawAll(model);
    drawVerdict();
  },
  flashblocks(event) {
    heard();
    model?.add(event);
    if (event.flashblocks.length > 0) setNewest(0);
    if (model !== undefined) views.stream.draw(model);
    drawVerdict();
  },
  second(event) {
    heard();
    model?.second(event);
    setNewest(event.state.newestAgeMs);
    if (model !== undefined) drawAll(model);
    drawVerdict();
  },
  lost(full) {
    link = full ? 'full' : 'lost';
    drawVerdict();
  },
}).open();

setInterval(drawVerdict, VERDICT_MS);
