/** A feature that answers the question by itself has seen the answer. The trainer looks again (leaks.py). */

const MOST_AUC = 0.98;
const MOST_R2 = 0.95;
/** With fewer, luck looks like knowledge. */
const FEWEST_ROWS = 100;

/** Values of all rows by position; NaN = not known. */
export interface NamedColumn {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/** A dataset that must not be trained with. Names the model and its features. */
export class LeakError extends Error {
  override readonly name = 'LeakError';
  constructor(
    readonly model: string,
    readonly features: readonly string[],
  ) {
    super(
      `${model}: ${features.join(', ')} alone give the label away. Correct the features, then run again.`,
    );
  }
}

/**
 * Names of the features that alone reach AUC > 0.98 on labels of 0 and 1, or R2 > 0.95 with the values or ranks of other
 * labels. Each is judged on the rows that know it, and on all rows with "not known" as the smallest value.
 */
export function findLeaks(features: readonly NamedColumn[], labels: readonly number[]): string[] {
  const classes = labels.every(label => label === 0 || label === 1);
  return features.filter(({ values }) => leaks(values, labels, classes)).map(({ name }) => name);
}

function leaks(values: ArrayLike<number>, labels: readonly number[], classes: boolean): boolean {
  const known = labels.flatMap((_label, row) => (Number.isNaN(values[row]!) ? [] : [row]));
  const lowest = known.reduce((least, row) => Math.min(least, values[row]!), Infinity);
  const filled = labels.map((_label, row) => (Number.isNaN(values[row]!) ? lowest - 1 : values[row]!));
  const ofKnown = (column: readonly number[]): number[] => known.map(row => column[row]!);
  return tells(ofKnown(filled), ofKnown(labels as number[]), classes) || tells(filled, labels, classes);
}

function tells(values: readonly number[], labels: readonly number[], classes: boolean): boolean {
  if (labels.length < FEWEST_ROWS || isConstant(values) || isConstant(labels)) return false;
  if (classes) {
    const alone = areaUnderCurve(values, labels);
    return Math.max(alone, 1 - alone) > MOST_AUC;
  }
  return (
    Math.max(squaredCorrelation(values, labels), squaredCorrelation(ranks(values), ranks(labels))) > MOST_R2
  );
}

const isConstant = (values: readonly number[]): boolean => values.every(value => value === values[0]);

/** From 1 on; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_value, row) => row).sort((a, b) => values[a]! - values[b]!);
  const found = new Array<number>(values.length);
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && values[order[end]!] === values[order[first]!]) end++;
    for (let at = first; at < end; at++) found[order[at]!] = (first + 1 + end) / 2;
    first = end;
  }
  return found;
}

/** The chance that a row of class 1 has the larger value than one of class 0, ties half; both classes must be there. */
export function areaUnderCurve(values: readonly number[], labels: readonly number[]): number {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const rankSum = ranks(values).reduce((sum, rank, row) => sum + rank * labels[row]!, 0);
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (labels.length - positives));
}

function squaredCorrelation(one: readonly number[], other: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [oneMean, otherMean] = [mean(one), mean(other)];
  let [product, oneSquares, otherSquares] = [0, 0, 0];
  one.forEach((value, row) => {
    const [a, b] = [value - oneMean, other[row]! - otherMean];
    product += a * b;
    oneSquares += a * a;
    otherSquares += b * b;
  });
  return product ** 2 / (oneSquares * otherSquares);
}
