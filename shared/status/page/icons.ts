/** The shapes that tell a state besides the words and the colour. */
import { svg } from './dom.ts';
import type { Tone } from './verdict.ts';

const SHAPES: Readonly<Record<Tone, readonly string[]>> = {
  good: ['M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z', 'm5 8.2 2.1 2.1L11 6'],
  note: ['M8 1.5 14.5 8 8 14.5 1.5 8Z', 'M8 5v3.6M8 10.8v.2'],
  bad: ['M8 1.2 15.2 14H.8Z', 'M8 6v4M8 12v.2'],
};

export function toneIcon(tone: Tone, className = 'icon'): SVGElement {
  const [outline, mark] = SHAPES[tone];
  return svg(
    'svg',
    { viewBox: '0 0 16 16', class: `${className} ${tone}`, 'aria-hidden': 'true' },
    svg('path', { d: outline, class: 'outline' }),
    svg('path', { d: mark, class: 'mark' }),
  );
}
