/** When customers are looked at, and which side of the split a look belongs to. */
import type { CustomerId, EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS } from '../../schemas';
import { hash64 } from '../../processors/core';

export interface LabelPlan {
  readonly name: 'engagement' | 'churn' | 'ltv';
  /** The label looks at (T, T + horizon]. */
  readonly horizonMs: number;
  /** A customer takes part when first seen at least so long before T. */
  readonly tenureMs: number;
}

/** What each model answers, in the order of the dataset's columns. */
export const LABEL_PLANS: readonly LabelPlan[] = [
  { name: 'engagement', horizonMs: 30 * DAY_MS, tenureMs: 30 * DAY_MS },
  { name: 'churn', horizonMs: 30 * DAY_MS, tenureMs: 60 * DAY_MS },
  { name: 'ltv', horizonMs: 180 * DAY_MS, tenureMs: 60 * DAY_MS },
];

/** Records of history lie in [startAt, endAt]. */
export interface ArchiveRange {
  startAt: EpochMs;
  endAt: EpochMs;
}

/** Not a multiple of a day, so that one customer is seen at every size of the growing part of today. */
const STEP_MS = 14 * DAY_MS + 7 * HOUR_MS;
/**
 * Before, windows of days reach back to before the archive: everybody's history looks shorter than it will be when the
 * model scores. Those of weeks reach a year back, but rows are worth more than that: with 850 days, leaving out the first
 * 240 or 371 instead of 90 changed churn's share of the way by -0.02 to 0.00 (docs/model-quality.md).
 */
const WARM_UP_MS = 90 * DAY_MS;
/** Instants before this share of a model's mature range train it, later ones validate it. */
const TRAINING_TIME = 0.65;
const VALIDATION_CUSTOMERS = 0.3;

export const SIDE = { unused: 0, training: 1, validation: 2 } as const;
export type Side = (typeof SIDE)[keyof typeof SIDE];

const share = (text: string): number => hash64(text).hi / 2 ** 32;

/** The first instant of a customer at or after `from`; the next ones follow in steps. Phases differ by customer. */
export function firstSnapshot(id: CustomerId, { startAt }: ArchiveRange, from: EpochMs): EpochMs {
  const phase = startAt + Math.floor(share(`snapshot ${id}`) * STEP_MS);
  return phase + Math.max(0, Math.ceil((from - phase) / STEP_MS)) * STEP_MS;
}

export const nextSnapshot = (at: EpochMs): EpochMs => at + STEP_MS;

/** A customer is on one side only, whatever the model. */
export const isValidationCustomer = (id: CustomerId): boolean => share(`split ${id}`) < VALIDATION_CUSTOMERS;

/** Whether the label can be known: the archive reaches to its end. */
export const isMature = ({ horizonMs }: LabelPlan, at: EpochMs, { endAt }: ArchiveRange): boolean =>
  at + horizonMs <= endAt;

/** By time and by customer: validation snapshots are later than every training one. */
export function sideOf(plan: LabelPlan, validation: boolean, at: EpochMs, range: ArchiveRange): Side {
  const first = range.startAt + WARM_UP_MS;
  const last = range.endAt - plan.horizonMs;
  if (at < first) return SIDE.unused;
  const later = at > first + TRAINING_TIME * (last - first);
  if (later !== validation) return SIDE.unused;
  return validation ? SIDE.validation : SIDE.training;
}
