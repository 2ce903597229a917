import { BoundedList } from './bounded-list.ts';
import type { Incident } from './contract.ts';
import { type Found, type Observed, findIncidents } from './incident-rules.ts';

/** Some hours of a bad day at one a minute. */
export const MAX_INCIDENTS = 200;
/** What comes again so soon is one incident that goes on: a loss in every block would else fill the log in minutes. */
const GOES_ON_MS = 5000;
/** A state that is left and taken again so soon flaps: an upstream that comes and goes would else push all others out of the log. */
const FLAPS_MS = 60_000;

/** An incident that may go on, and its count. */
interface Open {
  readonly incident: Incident;
  readonly count: number;
}

/** The latest incidents. It is handed the time. */
export class IncidentLog {
  readonly #log = new BoundedList<Incident>(MAX_INCIDENTS);
  /** The latest incident of each kind, the longest unchanged first: as many as the log may hold. */
  readonly #open = new Map<string, Open>();
  #before: Observed | undefined;
  #nextId = 1;

  /** Looks at a second. @returns new incidents, and those that went on */
  observe(now: Observed): Incident[] {
    const found = findIncidents(now, this.#before);
    this.#before = now;
    return found.map((one) => this.#add(one, now.at));
  }

  /** The oldest first. */
  get incidents(): readonly Incident[] {
    return this.#log.toArray();
  }

  #add({ counted, ...found }: Found, at: number): Incident {
    const kind = counted?.figure ?? `${found.level}: ${found.text}`;
    const open = this.#open.get(kind);
    this.#open.delete(kind);
    if (open !== undefined && goesOn(open.incident.until, at, counted === undefined ? FLAPS_MS : GOES_ON_MS)) {
      const count = open.count + (counted?.count ?? 1);
      const text = counted?.text(count) ?? `${found.text}, ${String(count)} times`;
      const incident: Incident = { ...open.incident, until: at, text };
      this.#log.replace(open.incident, incident);
      this.#keep(kind, { incident, count });
      return incident;
    }
    const incident: Incident = { id: this.#nextId++, at, until: at, ...found };
    this.#log.add(incident);
    this.#keep(kind, { incident, count: counted?.count ?? 1 });
    return incident;
  }

  #keep(kind: string, open: Open): void {
    this.#open.set(kind, open);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_INCIDENTS && oldest !== undefined) this.#open.delete(oldest);
  }
}

/** Not where the clock was set back meanwhile. */
function goesOn(until: number, at: number, withinMs: number): boolean {
  return at >= until && at - until <= withinMs;
}
