import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { Screen } from '../../../tools/watch/screen.ts';
import type { Terminal } from '../../../tools/terminal.ts';

/** A screen on a terminal of the test's, with timers that the test fires. */
function rig(options: { readonly slow?: boolean } = {}): {
  readonly screen: Screen;
  readonly written: string[];
  readonly timers: Map<object, { readonly ms: number; readonly callback: () => void }>;
  readonly listeners: Set<() => void>;
  fire: () => number;
  release: () => void;
  show: (text: string) => void;
} {
  const written: string[] = [];
  const timers = new Map<object, { ms: number; callback: () => void }>();
  const listeners = new Set<() => void>();
  let release: () => void = () => undefined;
  let shown = 'first';
  const output = new Writable({
    decodeStrings: false,
    highWaterMark: options.slow === true ? 1 : 1_000_000,
    write: (chunk: string, _encoding, done) => {
      written.push(chunk);
      if (options.slow === true) release = done;
      else done();
    },
  });
  const terminal: Terminal = {
    columns: 40,
    rows: 10,
    color: false,
    onResize: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const screen = new Screen({
    terminal,
    output,
    render: (columns, rows) => [`${shown} ${columns}x${rows}`, 'second'],
    after: (ms, callback) => {
      const timer = {};
      timers.set(timer, { ms, callback });
      return () => timers.delete(timer);
    },
  });
  return {
    screen,
    written,
    timers,
    listeners,
    fire: () => {
      const [[timer, { ms, callback }]] = [...timers] as [[object, { ms: number; callback: () => void }]];
      timers.delete(timer);
      callback();
      return ms;
    },
    release: () => release(),
    show: (text) => (shown = text),
  };
}

describe('the screen of flashcast watch', () => {
  it('draws a frame in one write, line over line, and clears nothing first', () => {
    const { screen, written } = rig();
    screen.start();
    assert.deepEqual(written, [
      '\u001b[?1049h\u001b[?25l\u001b[?7l',
      '\u001b[H\u001b[Kfirst 40x10\r\n\u001b[Ksecond\u001b[J',
    ]);
    screen.stop();
  });

  it('draws at most ten frames a second, and the newest state', () => {
    const { screen, written, fire, show } = rig();
    screen.start();
    for (let change = 0; change < 50; change++) {
      show(`change ${change}`);
      screen.changed();
    }
    assert.equal(written.length, 2);
    assert.equal(fire(), 100);
    assert.match(written[2]!, /change 49/);
    assert.equal(written.length, 3);
    screen.stop();
  });

  it('draws once a second without news, and at a resize', () => {
    const { screen, written, fire, listeners } = rig();
    screen.start();
    assert.equal(fire(), 100);
    assert.equal(fire(), 900);
    assert.equal(written.length, 3);
    fire();
    for (const listener of listeners) listener();
    assert.equal(written.length, 4);
    screen.stop();
  });

  it('leaves frames out while the terminal takes none', async () => {
    const { screen, written, fire, release } = rig({ slow: true });
    screen.start();
    for (let frame = 0; frame < 20; frame++) {
      screen.changed();
      fire();
    }
    assert.equal(written.length, 1);
    release();
    await new Promise(setImmediate);
    release();
    await new Promise(setImmediate);
    screen.changed();
    fire();
    await new Promise(setImmediate);
    assert.equal(written.length, 3);
    screen.stop();
  });

  it('gives the terminal back once, and leaves no timer and no listener', () => {
    const { screen, written, timers, listeners } = rig();
    screen.start();
    screen.stop();
    screen.stop();
    screen.changed();
    assert.equal(written.at(-1), '\u001b[?7h\u001b[?25h\u001b[?1049l');
    assert.equal(written.length, 3);
    assert.deepEqual([timers.size, listeners.size], [0, 0]);
    const never = rig();
    never.screen.changed();
    never.screen.stop();
    assert.deepEqual(never.written, []);
  });
});
