/**
 * Two models on the same rows: how far their answers lie apart, and whether they put the rows in the same order.
 *
 * Paired differences and not PSI of the two distributions: trees answer in lumps, and a lump that moves by a thousandth
 * across the edge of a bin is a large PSI and no difference; a probability that is turned round can have the same
 * distribution, PSI 0, and everybody's score is wrong.
 */

export interface Agreement {
  /** Mean absolute difference; of amounts as a share of the first model's mean. */
  difference: number;
  /** Spearman's rank correlation, -1 to 1; null when the first model tells no rows apart. */
  order: number | null;
}

/** `first`, `second`: answers of two models to the same rows, at least one. */
export function agreementOf(first: Float32Array, second: Float32Array, isAmount: boolean): Agreement {
  let sum = 0;
  let size = 0;
  for (let row = 0; row < first.length; row++) {
    sum += Math.abs(second[row]! - first[row]!);
    size += Math.abs(first[row]!);
  }
  const scale = isAmount ? size : first.length;
  return { difference: scale === 0 ? sum : sum / scale, order: rankCorrelation(first, second) };
}

/** Pearson's correlation of the ranks; ties share the mean of theirs. */
function rankCorrelation(first: Float32Array, second: Float32Array): number | null {
  const [a, b] = [ranksOf(first), ranksOf(second)];
  const mean = (first.length - 1) / 2;
  let [ab, aa, bb] = [0, 0, 0];
  for (let row = 0; row < a.length; row++) {
    const [x, y] = [a[row]! - mean, b[row]! - mean];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  if (aa === 0) return null;
  return bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

function ranksOf(values: Float32Array): Float64Array {
  const order = Uint32Array.from(values, (_value, row) => row).sort((x, y) => values[x]! - values[y]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) ranks[order[at]!] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

/** Upper ends of the histogram of differences; the last one is everything. */
export const DIFFERENCE_EDGES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, Infinity] as const;

/** Differences of single rows, added up: of amounts as a share of the first model's answer (at least 1). */
export class DifferenceTally {
  rows = 0;
  sum = 0;
  beyond = 0;
  /** Rows at or below each edge, and above the one before. */
  readonly buckets = DIFFERENCE_EDGES.map(() => 0);

  constructor(
    /** What counts as beyond. */
    private readonly limit: number,
    private readonly isAmount: boolean,
  ) {}

  add(first: Float32Array, second: Float32Array): void {
    for (let row = 0; row < first.length; row++) {
      const scale = this.isAmount ? Math.max(1, Math.abs(first[row]!)) : 1;
      const difference = Math.abs(second[row]! - first[row]!) / scale;
      this.rows++;
      this.sum += difference;
      if (difference > this.limit) this.beyond++;
      this.buckets[DIFFERENCE_EDGES.findIndex(edge => difference <= edge)]!++;
    }
  }
}
