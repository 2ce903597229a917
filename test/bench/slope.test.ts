import assert from 'node:assert/strict';
import { slopeOf } from '../../bench/slope.ts';

describe('slopeOf', () => {
  it('finds the line that values lie on', () => {
    const { perStep, uncertainty } = slopeOf([3, 5, 7, 9]);
    assert.ok(Math.abs(perStep - 2) < 1e-9 && uncertainty < 1e-9);
  });

  it('is unsure about values that go up and down', () => {
    const { perStep, uncertainty } = slopeOf([10, 12, 10, 12, 10, 12, 10, 12.5]);
    assert.ok(perStep > 0 && perStep < uncertainty);
  });

  it('is sure about growth that stands out of the noise', () => {
    const { perStep, uncertainty } = slopeOf([10, 12, 12, 14, 14, 16, 16, 18]);
    assert.ok(perStep > uncertainty && uncertainty > 0);
  });

  it('says nothing about two values', () => {
    assert.equal(slopeOf([1, 2]).uncertainty, Infinity);
  });
});
