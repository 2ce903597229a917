import type { PageCheck } from '../contract.ts';
import { html } from './dom.ts';
import { toneIcon } from './icons.ts';
import type { Tone } from './verdict.ts';

function stateOf({ ok, informative }: PageCheck): readonly [tone: Tone, word: string] {
  if (ok) return ['good', 'holds'];
  return informative === true ? ['note', 'fails, only shown'] : ['bad', 'fails'];
}

/** The checks of readiness; drawn anew only when they change. */
export class ChecksView {
  readonly #list: HTMLElement;
  #drawn = '';

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  draw(checks: readonly PageCheck[]): void {
    const drawn = JSON.stringify(checks);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#list.replaceChildren(
      ...checks.map((check) => {
        const [tone, word] = stateOf(check);
        return html(
          'li',
          {},
          toneIcon(tone),
          html('span', { class: 'name' }, check.name),
          html('span', { class: 'word' }, word),
          html('span', { class: 'sub' }, check.detail ?? ''),
        );
      }),
    );
  }
}
