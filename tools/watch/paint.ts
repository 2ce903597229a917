/** What a piece of text means on a terminal; each is a colour where there are colours. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'warn' | 'bad';

const CODES: Readonly<Record<Tone, string>> = { plain: '', dim: '2', strong: '1', good: '32', warn: '33', bad: '31' };

/** Gives text a tone. */
export type Paint = (text: string, tone: Tone) => string;

/** @param color without it text stays as it is */
export function painter(color: boolean): Paint {
  return (text, tone) => (color && CODES[tone] !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}
