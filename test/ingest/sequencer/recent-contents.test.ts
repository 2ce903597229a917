import assert from 'node:assert/strict';
import { RecentContents } from '../../../ingest/sequencer/recent-contents.ts';
import { frame, other } from './support.ts';

describe('RecentContents', () => {
  const content = (contentHash: string, ageMs: number) => ({ contentHash, ageMs, flashblock: true });

  it('merges two windows in order of time, keeping the later time of a content that both have', () => {
    const merged = RecentContents.learnt([content('x', 900), content('y', 300)], 1000).mergedWith(
      RecentContents.learnt([content('z', 500), content('x', 100)], 1000),
    );
    assert.deepEqual(merged.toStored(1000), [content('z', 500), content('y', 300), content('x', 100)]);
    const turned = RecentContents.learnt([content('x', 100)], 1000).mergedWith(
      RecentContents.learnt([content('x', 900)], 1000),
    );
    assert.deepEqual(turned.toStored(1000), [content('x', 100)]);
  });

  it('remembers the newest 64, whether learnt, merged or accepted', () => {
    const contents = (from: number) =>
      Array.from({ length: 80 }, (_, place) => content(String(from + place), 1000 - from - place));
    const learnt = RecentContents.learnt(contents(0), 1000);
    const merged = learnt.mergedWith(RecentContents.learnt(contents(80), 1000));
    for (const [window, newest] of [
      [learnt, '79'],
      [merged, '159'],
      [merged.with(frame(1, 0), 1000), frame(1, 0).contentHash],
    ] as const) {
      const stored = window.toStored(1000);
      assert.deepEqual([stored.length, stored.at(-1)?.contentHash], [64, newest]);
    }
  });

  it('is not changed by what is accepted after it', () => {
    const before = RecentContents.empty;
    assert.ok(before.with(other('x'), 0).has(other('x'), 0));
    assert.ok(!before.has(other('x'), 0));
  });
});
