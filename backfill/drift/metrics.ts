/** Scores against what happened, as the trainer measures it (backfill/trainer/rescore_trainer/metrics.py). */

/** A score and the label that matured. */
export interface Pair {
  readonly score: number;
  readonly label: number;
}
type Metric = (pairs: readonly Pair[]) => number;

const BINS = 10;
const SURE = 1e-7;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mann-Whitney: the share of pairs of customers in the right order, ties half. NaN with one class only. */
export const auc: Metric = pairs => {
  const sorted = [...pairs].sort((a, b) => a.score - b.score);
  let rankSum = 0;
  let ones = 0;
  for (let first = 0; first < sorted.length;) {
    let last = first;
    while (last + 1 < sorted.length && sorted[last + 1]!.score === sorted[first]!.score) last++;
    const rank = (first + last) / 2 + 1;
    for (; first <= last; first++)
      if (sorted[first]!.label > 0.5) {
        rankSum += rank;
        ones++;
      }
  }
  return (rankSum - (ones * (ones + 1)) / 2) / (ones * (sorted.length - ones));
};

export const logLoss: Metric = pairs =>
  mean(
    pairs.map(({ score, label }) => {
      const chance = Math.min(1 - SURE, Math.max(SURE, score));
      return -(label * Math.log(chance) + (1 - label) * Math.log(1 - chance));
    }),
  );

export const r2: Metric = pairs => {
  const middle = mean(pairs.map(({ label }) => label));
  const rest = pairs.reduce((sum, { score, label }) => sum + (label - score) ** 2, 0);
  return 1 - rest / pairs.reduce((sum, { label }) => sum + (label - middle) ** 2, 0);
};

export const meanAbsoluteError: Metric = pairs =>
  mean(pairs.map(({ score, label }) => Math.abs(label - score)));

export const baseRate: Metric = pairs => mean(pairs.map(({ label }) => label));

export interface CalibrationBin extends Pair {
  readonly rows: number;
}

/** Mean score and mean label in 10 bins of equal count, from the lowest scores to the highest. */
export function calibrationOf(pairs: readonly Pair[]): CalibrationBin[] {
  const sorted = [...pairs].sort((a, b) => a.score - b.score);
  return Array.from({ length: BINS }, (_, bin) =>
    sorted.slice(Math.round((bin * sorted.length) / BINS), Math.round(((bin + 1) * sorted.length) / BINS)),
  )
    .filter(bin => bin.length > 0)
    .map(bin => ({
      score: mean(bin.map(({ score }) => score)),
      label: baseRate(bin),
      rows: bin.length,
    }));
}

/** Mean absolute gap over those bins. */
export const calibrationError: Metric = pairs =>
  mean(calibrationOf(pairs).map(({ score, label }) => Math.abs(score - label)));

/**
 * Area between the concentration curve of the label under the scores' order and chance, over the best order's; equal
 * scores as one group. NaN without any label above zero.
 */
export const gini: Metric = pairs =>
  concentration(pairs, ({ score }) => score) / concentration(pairs, ({ label }) => label);

function concentration(pairs: readonly Pair[], by: (pair: Pair) => number): number {
  const sorted = [...pairs].sort((a, b) => by(b) - by(a));
  const whole = sorted.reduce((sum, { label }) => sum + label, 0);
  let [area, gained] = [0, 0];
  for (let first = 0; first < sorted.length;) {
    const before = gained;
    let rows = 0;
    for (const value = by(sorted[first]!); first < sorted.length && by(sorted[first]!) === value; first++) {
      gained += sorted[first]!.label;
      rows++;
    }
    area += (rows * (before + gained)) / whole / 2;
  }
  return area / sorted.length - 0.5;
}

/** Sum predicted / sum actual. */
export const sumRatio: Metric = pairs => mean(pairs.map(({ score }) => score)) / baseRate(pairs);

/** Metrics of each model, once its labels have matured: 30 days of engagement and churn, 180 of ltv. */
export const MATURED_METRICS = {
  engagement: { r2, meanAbsoluteError, calibrationError, baseRate },
  churn: { auc, logLoss, calibrationError, baseRate },
  ltv: { r2, meanAbsoluteError, gini, sumRatio },
} as const satisfies Record<string, Record<string, Metric>>;
export type MaturedModel = keyof typeof MATURED_METRICS;

/** Without those that can't be said of these pairs (one class only). */
export function metricsOf(model: MaturedModel, pairs: readonly Pair[]): Record<string, number> {
  const measured = Object.entries<Metric>(MATURED_METRICS[model]).map(
    ([name, metric]) => [name, metric(pairs)] as const,
  );
  return Object.fromEntries(measured.filter(([, value]) => Number.isFinite(value)));
}
