/** Figures and instants as the report writes them; the same everywhere, in every time zone. */
import type { Interval } from './files';

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const MINUS = '−';
const NONE = '–';
const NO_BREAK = '\u00a0';

/** 12,345 */
export const count = (value: number): string => COUNT.format(value);

/** Three decimals; whole numbers as they are, large values (money) with fewer digits behind the point, tiny ones with more. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  const text =
    Number.isInteger(size) || size >= 1_000 ? count(size) : size >= 100 ? size.toFixed(1) : smaller(size);
  return value < 0 ? MINUS + text : text;
}

const smaller = (size: number): string =>
  size >= 0.001 ? size.toFixed(3) : size >= 1e-5 ? size.toFixed(5) : 'below 0.00001';

export const signed = (value: number): string => (value > 0 ? `+${figure(value)}` : figure(value));

/** 0.979 (0.976 to 0.981) */
export const interval = (
  found: Interval | null | undefined,
  write: (value: number) => string = figure,
): string =>
  found === null || found === undefined
    ? NONE
    : `${write(found.value)} (${write(found.low)} to ${write(found.high)})`;

export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? NONE : `${(100 * share).toFixed(1)}${NO_BREAK}%`;

/** 2026-05-01 */
export const day = (at: number | null | undefined): string =>
  at === null || at === undefined || !Number.isFinite(at) ? NONE : new Date(at).toISOString().slice(0, 10);

/** 2026-05-01 12:30 UTC */
export const minute = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export function seconds(value: number): string {
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** `meanAbsoluteError` as words. */
const METRICS: Readonly<Record<string, string>> = {
  auc: 'AUC',
  aucOfTruth: "AUC of the world's own truth",
  logLoss: 'log loss',
  logLossOfTruth: "log loss of the world's own truth",
  calibrationError: 'calibration error',
  lift: 'lift of the top tenth',
  baseRate: 'mean of the label',
  r2: 'R²',
  r2OfTruth: "R² of the world's own truth",
  meanAbsoluteError: 'mean absolute error',
  gini: 'normalised Gini',
  giniOfTruth: "Gini of the world's own truth",
  sumRatio: 'sum predicted / actual',
};
export const metricName = (name: string): string => (Object.hasOwn(METRICS, name) ? METRICS[name]! : name);

/** Which way a metric is better (models/gate compares the same). Others are shown without a judgement. */
const BETTER: Readonly<Record<string, 1 | -1>> = {
  auc: 1,
  gini: 1,
  r2: 1,
  lift: 1,
  logLoss: -1,
  meanAbsoluteError: -1,
  calibrationError: -1,
};

/** Of a difference whose interval leaves zero out: for the better or the worse. */
export function toneOf(name: string, { low, high }: Interval): 'good' | 'bad' | undefined {
  const better = Object.hasOwn(BETTER, name) ? BETTER[name]! : 0;
  if (better === 0 || (low <= 0 && high >= 0)) return undefined;
  return low > 0 === better > 0 ? 'good' : 'bad';
}
