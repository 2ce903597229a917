/** The stream as a client of this process sees it: this browser becomes one. */
import { html, setText } from './dom.ts';
import { bytes, count, inText } from './format.ts';
import type { Model } from './model.ts';
import { type Order, type Place, orderOf } from './order.ts';
import type { ViewedMessage, ViewerEvent, ViewerRequest } from './viewer-messages.ts';

interface Parts {
  readonly section: HTMLElement;
  readonly form: HTMLFormElement;
  readonly address: HTMLInputElement;
  readonly button: HTMLButtonElement;
  readonly state: HTMLElement;
  readonly figures: HTMLElement;
  readonly table: HTMLElement;
  readonly rows: HTMLTableSectionElement;
}

/** Rows of the table: some three blocks. */
const MAX_ROWS = 12;

const CLOSES: Readonly<Record<number, string>> = {
  1001: 'the process drains',
  1006: 'the connection was cut',
  1008: 'a rule or a key ended it',
  1013: 'this browser was too slow',
};

/** The page's own files are the only scripts; the policy says that to the browser. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}
const trustedTypes = (window as { trustedTypes?: TrustedTypes }).trustedTypes;
const scripts = trustedTypes?.createPolicy('flashcast', { createScriptURL: (url) => url });

export class ClientView {
  readonly #parts: Parts;
  #worker: Worker | undefined;
  #suggested = false;
  #messages: (ViewedMessage & { readonly order: Order | undefined; readonly intervalMs: number | undefined })[] = [];
  #last: (Place & { readonly at: number }) | undefined;
  #counts = { messages: 0, breaks: 0, repeats: 0, unreadable: 0, wire: 0, plain: 0 };
  #drawing = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#worker === undefined) this.#connect();
      else this.#end('Disconnected.');
    });
  }

  /** @param model of a process that just told of itself */
  offer({ about: { stream } }: Model): void {
    this.#parts.section.hidden = stream === null;
    if (stream === null || this.#suggested) return;
    this.#suggested = true;
    const secure = stream.secure || location.protocol === 'https:';
    this.#parts.address.value = `${secure ? 'wss' : 'ws'}://${location.hostname}:${stream.port.toString()}/ws`;
  }

  #connect(): void {
    const { address, button, state } = this.#parts;
    const url = URL.canParse(address.value) ? new URL(address.value) : undefined;
    if (url === undefined || !['ws:', 'wss:'].includes(url.protocol)) {
      address.setAttribute('aria-invalid', 'true');
      setText(state, 'That is no address of a stream: ws://host:port/ws or wss://host/ws.');
      return;
    }
    address.removeAttribute('aria-invalid');
    url.hash = '';
    url.searchParams.set('encoding', 'br');
    this.#reset();
    const script = `status/viewer-worker.js?stream=${encodeURIComponent(url.origin)}`;
    const worker = new Worker(scripts?.createScriptURL(script) ?? script, { type: 'module' });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<ViewerEvent>) => this.#take(data);
    worker.onerror = () => this.#end('The decoder could not be loaded.');
    worker.postMessage({ url: url.href } satisfies ViewerRequest);
    setText(button, 'Disconnect');
    setText(state, 'Connecting…');
  }

  #reset(): void {
    this.#messages = [];
    this.#last = undefined;
    this.#counts = { messages: 0, breaks: 0, repeats: 0, unreadable: 0, wire: 0, plain: 0 };
    this.#draw();
  }

  #end(why: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    setText(this.#parts.button, 'Connect');
    setText(this.#parts.state, why);
  }

  #take(event: ViewerEvent): void {
    if (event.is === 'open') setText(this.#parts.state, 'Connected; brotli is decoded in this browser.');
    else if (event.is === 'failed') this.#end('The decoder could not be loaded.');
    else if (event.is === 'closed') this.#end(closedInWords(event.code, event.opened));
    else if (event.is === 'unreadable') this.#addUnreadable(event.wireBytes);
    else this.#add(event.message);
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #addUnreadable(wireBytes: number): void {
    this.#counts.unreadable += 1;
    this.#counts.wire += wireBytes;
  }

  #add(message: ViewedMessage): void {
    const { flashblock, at } = message;
    const order = flashblock && orderOf(this.#last, flashblock);
    const counts = this.#counts;
    counts.messages += 1;
    counts.wire += message.wireBytes;
    counts.plain += message.plainBytes;
    if (order === 'repeat') counts.repeats += 1;
    if (order === 'broken') counts.breaks += 1;
    const intervalMs = this.#last && at - this.#last.at;
    this.#messages = [{ ...message, order, intervalMs }, ...this.#messages.slice(0, MAX_ROWS - 1)];
    if (flashblock !== undefined) this.#last = { ...flashblock, at };
  }

  #draw(): void {
    const { figures, table, rows } = this.#parts;
    const { messages, breaks, repeats, unreadable, wire, plain } = this.#counts;
    table.hidden = messages === 0;
    figures.hidden = messages + unreadable === 0;
    const ratio = plain === 0 ? '' : `, ${(plain / wire).toFixed(1)} times as large unpacked`;
    const broken = `, ${count(breaks)} out of order, ${count(repeats)} repeated`;
    const order = messages === 0 ? '' : breaks + repeats === 0 ? ', all in order' : broken;
    const bad = unreadable === 0 ? '' : `; ${count(unreadable)} unreadable`;
    setText(figures, `${count(messages)} messages${order}${bad}; ${inText(bytes(wire))} received${ratio}.`);
    rows.replaceChildren(...this.#messages.map(rowOf));
  }
}

const ORDERS: Readonly<Record<Order, string>> = {
  first: 'first',
  next: 'in order',
  repeat: 'repeated',
  restart: 'new run',
  broken: 'out of order',
};

function rowOf(
  message: ViewedMessage & { readonly order: Order | undefined; readonly intervalMs: number | undefined },
): HTMLTableRowElement {
  const { flashblock, order, intervalMs, wireBytes, plainBytes } = message;
  return html(
    'tr',
    {},
    html('th', { scope: 'row' }, flashblock === undefined ? 'no flashblock' : count(flashblock.block)),
    html('td', {}, flashblock === undefined ? '–' : count(flashblock.index)),
    html('td', { class: 'broad' }, flashblock === undefined ? '–' : count(flashblock.transactions)),
    html('td', {}, inText(bytes(wireBytes))),
    html('td', { class: 'wide' }, inText(bytes(plainBytes))),
    html('td', { class: 'wide' }, intervalMs === undefined ? '–' : `${count(intervalMs)} ms`),
    html('td', {}, order === undefined ? '–' : ORDERS[order]),
  );
}

function closedInWords(code: number, opened: boolean): string {
  if (!opened) return 'Could not connect: the address, a limit, a missing key, or ws:// from a page of https://.';
  return `Closed with ${code.toString()}: ${CLOSES[code] ?? 'the other side ended it'}.`;
}
