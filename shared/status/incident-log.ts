import { BoundedList } from './bounded-list.ts';
import type { FigureName, Incident } from './contract.ts';
import { type Found, type Observed, findIncidents } from './incident-rules.ts';

/** Some hours of a bad day at one a minute. */
export const MAX_INCIDENTS = 200;
/** What comes again so soon is one incident that goes on: a loss in every block would else fill the log in minutes. */
const GOES_ON_MS = 5000;

/** The latest incidents. It is handed the time. */
export class IncidentLog {
  readonly #log = new BoundedList<Incident>(MAX_INCIDENTS);
  /** The latest incident that counts a figure, and its count. */
  readonly #open = new Map<FigureName, { readonly incident: Incident; readonly count: number }>();
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
    const open = counted && this.#open.get(counted.figure);
    if (counted !== undefined && open !== undefined && goesOn(open.incident.until, at)) {
      const count = open.count + counted.count;
      const incident: Incident = { ...open.incident, until: at, text: counted.text(count) };
      this.#log.replace(open.incident, incident);
      this.#open.set(counted.figure, { incident, count });
      return incident;
    }
    const incident: Incident = { id: this.#nextId++, at, until: at, ...found };
    this.#log.add(incident);
    if (counted !== undefined) this.#open.set(counted.figure, { incident, count: counted.count });
    return incident;
  }
}

/** Not where the clock was set back meanwhile. */
function goesOn(until: number, at: number): boolean {
  return at >= until && at - until <= GOES_ON_MS;
}
