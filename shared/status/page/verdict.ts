/** The one sentence at the top: what somebody who was woken wants to know first. Pure. */
import { count, duration, rate } from './format.ts';
import type { Model } from './model.ts';

export type Tone = 'good' | 'note' | 'bad';

export interface Verdict {
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
}

/** The page's own connection to the process. */
export type LinkState =
  | { readonly is: 'connecting' }
  | { readonly is: 'open' }
  /** @property since milliseconds without a word */
  | { readonly is: 'lost'; readonly sinceMs: number }
  | { readonly is: 'full' };

/** Half of what UPSTREAM_STALE_MS bears by default. */
const SILENT_MS = 5000;
/** Rates are means over this. */
const RATE_SECONDS = 5;

/** @param newestAgeMs as of now; `null` while nothing has come */
export function verdict(model: Model | undefined, link: LinkState, newestAgeMs: number | null): Verdict {
  if (link.is === 'full')
    return {
      tone: 'note',
      title: 'Too many pages are open',
      detail: 'The process tells twenty at once. This one tries again every ten seconds.',
    };
  if (link.is === 'lost')
    return {
      tone: 'bad',
      title: `No answer from the process for ${duration(link.sinceMs)}`,
      detail:
        'It has ended, restarts, or cannot be reached. The figures below are its last; this page connects again by itself.',
    };
  if (model === undefined || link.is === 'connecting')
    return { tone: 'note', title: 'Connecting to the process', detail: 'Figures come within a second.' };
  return ofProcess(model, newestAgeMs);
}

function ofProcess(model: Model, newestAgeMs: number | null): Verdict {
  const { ready, checks } = model.state;
  const failed = checks.filter(({ ok, informative }) => !ok && informative !== true);
  if (failed.some(({ name }) => name === 'accepting'))
    return {
      tone: 'note',
      title: 'Draining',
      detail: `Clients are being closed evenly, so that they go elsewhere; ${count(model.figure('clients'))} are left.`,
    };
  if (newestAgeMs === null)
    return {
      tone: ready ? 'note' : 'bad',
      title: 'No message yet',
      detail: `${upstreamsInWords(model)} ${failedInWords(failed)}`.trim(),
    };
  if (newestAgeMs >= SILENT_MS)
    return {
      tone: 'bad',
      title: `The stream is silent for ${duration(newestAgeMs)}`,
      detail: `${upstreamsInWords(model)} ${failedInWords(failed)}`.trim(),
    };
  if (!ready) return { tone: 'bad', title: 'Streaming, but not ready', detail: failedInWords(failed) };
  return streaming(model);
}

function streaming(model: Model): Verdict {
  const lost = model.sum('lost', 60) + model.sum('gapsLost', 60) + model.sum('dropped', 60);
  const flow = `${rate(model.rate(model.has('messages') ? 'messages' : 'published', RATE_SECONDS)).value} flashblocks a second`;
  if (lost > 0)
    return {
      tone: 'bad',
      title: 'Streaming, with losses',
      detail: `${count(lost)} lost or missing in the last minute; ${flow}.`,
    };
  const away = model.upstreams(1).filter(({ connected }) => !connected).length;
  if (away > 0)
    return { tone: 'note', title: 'Streaming', detail: `${flow}, whole and in order. ${upstreamsInWords(model)}` };
  return { tone: 'good', title: 'Streaming', detail: `${flow}, whole and in order.` };
}

/** A sentence; empty where the process has no upstreams. */
function upstreamsInWords(model: Model): string {
  const upstreams = model.upstreams(1);
  const connected = upstreams.filter((upstream) => upstream.connected).length;
  if (upstreams.length === 0) return model.has('redisUp') ? 'This edge gets what an ingest publishes to Redis.' : '';
  if (connected === 0) return upstreams.length === 1 ? 'Its upstream is not connected.' : 'No upstream is connected.';
  if (connected === upstreams.length)
    return upstreams.length === 1 ? 'Its upstream is connected.' : 'All upstreams are connected.';
  return `${count(connected)} of ${count(upstreams.length)} upstreams are connected.`;
}

function failedInWords(failed: readonly { readonly name: string; readonly detail?: string }[]): string {
  if (failed.length === 0) return '';
  const names = failed.map(({ name, detail }) => (detail === undefined ? name : `${name} (${detail})`));
  return `${failed.length === 1 ? 'This check fails' : 'These checks fail'}: ${names.join(', ')}.`;
}
