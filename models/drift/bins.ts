/**
 * What a model was trained on, as bins that new values are counted into.
 *
 * A manifest keeps 21 quantiles of the training values (0, 5, …, 100 %) and the share that was undefined. Between two
 * quantiles lie 5 % of the values, where values are continuous. Where many are the same (most customers have 0 orders)
 * quantiles repeat, and the share at or below such a value is known only to within 5 %. A cut therefore carries the
 * lowest and the highest share that may lie below it, and nothing is called drift that fits in between.
 */

/** Of the training values, as a manifest has them; `values` is empty when all were undefined. */
export interface TrainedValues {
  readonly undefinedShare: number;
  readonly values: readonly number[];
}

/** Values at or below `at` are below the cut; `low` and `high` bound the share of training values below it. */
interface Cut {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/** Manifests keep 7 digits of a float32. */
const ROUNDING = 1e-6;
const NEAR_ZERO = 1e-9;

const roundingOf = (value: number): number => Math.max(Math.abs(value) * ROUNDING, NEAR_ZERO);

/** A value and the first and last of the quantiles that are equal to it. */
interface Run {
  readonly value: number;
  readonly first: number;
  last: number;
}

function runsOf(values: readonly number[]): Run[] {
  const runs: Run[] = [];
  values.forEach((value, index) => {
    const run = runs.at(-1);
    if (run !== undefined && value - run.value <= 2 * roundingOf(value)) run.last = index;
    else runs.push({ value, first: index, last: index });
  });
  return runs;
}

/** A count (orders, days) may hold a whole step at one number; spread over a wide gap it holds little of it. */
function slackAbove(run: Run, next: Run | undefined, step: number): number {
  if (next === undefined) return 0;
  if (run.last > run.first) return step;
  const isCount = Number.isInteger(run.value) && Number.isInteger(next.value);
  return isCount ? step / (next.value - run.value) : 0;
}

function cutsOf(values: readonly number[]): Cut[] {
  const steps = values.length - 1;
  const runs = runsOf(values);
  return runs.flatMap((run, index) => {
    const { value, first, last } = run;
    const repeats = last > first;
    const above = last / steps;
    const slack = slackAbove(run, runs[index + 1], 1 / steps);
    const cuts: Cut[] = [];
    // What lies below a value that repeats is a bin of its own, also when nothing did in training.
    if (repeats)
      cuts.push({ at: value - roundingOf(value), low: Math.max(0, first - 1) / steps, high: first / steps });
    // Beyond the ends of continuous values there is no bin: a longer training would have had them too.
    if (repeats || (first > 0 && last < steps))
      cuts.push({ at: value + roundingOf(value), low: above, high: above + slack });
    return cuts;
  });
}

/** Bin 0 counts undefined values (NaN), the others count from the smallest values to the largest. */
export class Bins {
  private readonly cuts: readonly Cut[];
  private readonly thresholds: Float64Array;

  constructor(private readonly trained: TrainedValues) {
    this.cuts = cutsOf(trained.values);
    this.thresholds = Float64Array.from(this.cuts, ({ at }) => at);
  }

  /** Number of bins. */
  get size(): number {
    return this.thresholds.length + 2;
  }

  binOf(value: number): number {
    if (Number.isNaN(value)) return 0;
    let low = 0;
    let high = this.thresholds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value > this.thresholds[middle]!) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }

  /** Counts per bin. */
  count(values: Iterable<number>): Uint32Array {
    const counts = new Uint32Array(this.size);
    for (const value of values) counts[this.binOf(value)]!++;
    return counts;
  }

  /**
   * Shares of the training values per bin. Where the quantiles leave a share open, the one that is nearest to
   * `observed` (shares per bin) is taken.
   */
  trainedShares(observed: readonly number[]): number[] {
    const { undefinedShare } = this.trained;
    const known = 1 - (observed[0] ?? 0);
    const shares = [undefinedShare];
    let seen = 0;
    let before = 0;
    for (const [index, { low, high }] of this.cuts.entries()) {
      seen += observed[index + 1]!;
      const below = Math.min(high, Math.max(low, known > 0 ? seen / known : low));
      shares.push((below - before) * (1 - undefinedShare));
      before = below;
    }
    shares.push((1 - before) * (1 - undefinedShare));
    return shares;
  }
}
