/**
 * Population stability index: how far the shares of two populations over the same bins lie apart,
 *
 *     PSI = Σ (a - b) · ln(a / b)
 *
 * N. Siddiqi, Credit Risk Scorecards, Wiley 2006. It is the symmetric divergence of H. Jeffreys (1946): zero for equal
 * shares, positive otherwise. By custom, below 0.1 is stable, above 0.25 has shifted. With n values in B bins chance
 * alone gives (B - 1) / n (B. Yurdakul, J. Naranjo, Statistical properties of the population stability index, Journal of
 * Risk Model Validation 14(4), 2020): few values say nothing.
 */
import type { Bins } from './bins';

/** Below so many customers chance alone moves a PSI by 0.05 and more. */
export const FEWEST_VALUES = 500;

/**
 * Added to every share, then they add up to 1 again: half a value in `FEWEST_VALUES`, the least that a sample can
 * tell. An empty bin gives a large summand, not an infinite one, and of both sides in the same way.
 */
const SMOOTHING = 0.5 / FEWEST_VALUES;

const smooth = (shares: readonly number[]): number[] =>
  shares.map(share => (share + SMOOTHING) / (1 + SMOOTHING * shares.length));

/** Of shares over the same bins, each adding up to 1. */
export function psiOfShares(one: readonly number[], other: readonly number[]): number {
  const [left, right] = [smooth(one), smooth(other)];
  let sum = 0;
  left.forEach((share, bin) => (sum += (share - right[bin]!) * Math.log(share / right[bin]!)));
  return Math.max(0, sum);
}

/** Of counts per bin against what the bins were trained on. NaN without values. */
export function psiOf(bins: Bins, counts: ArrayLike<number>): number {
  const all = Array.from(counts);
  const total = all.reduce((sum, count) => sum + count, 0);
  if (total === 0) return NaN;
  const observed = all.map(count => count / total);
  return psiOfShares(bins.trainedShares(observed), observed);
}
