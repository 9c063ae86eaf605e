/** The synthetic world as a history with the truth behind it. */
import type { EpochMs } from '../../schemas';
import { DAY_MS } from '../../schemas';
import { DEFAULT_WORLD, worldRecords, worldTruth } from '../../processors/sim/world';
import type { CustomerTruth, WorldRecord } from '../../processors/sim/world';
import { LABEL_PLANS } from '../dataset';
import type { ArchiveRange, LabelPlan, Truth } from '../dataset';

export interface WorldSize {
  customers: number;
  days: number;
  seed: number;
  /** A UTC midnight. */
  endAt: EpochMs;
}

/**
 * The world of the demonstration models. 600 days, so that training rows lie in all seasons: who has seen the quiet half
 * of a year alone says too little all autumn. More customers teach more than more days of the same ones; what a third ten
 * thousand would add was within the noise (docs/model-quality.md).
 */
export const BASELINE_WORLD: WorldSize = {
  customers: 20_000,
  days: 600,
  seed: 1,
  endAt: Date.UTC(2026, 0, 1),
};

export interface WorldHistory {
  /** In the order of their record timestamps. */
  history: Generator<WorldRecord>;
  /** Given the latent state, which nobody sees: above what any model can reach. */
  truth: Truth;
  range: ArchiveRange;
}

const daysOf = Object.fromEntries(
  LABEL_PLANS.map(({ name, horizonMs }) => [name, horizonMs / DAY_MS]),
) as Record<LabelPlan['name'], number>;

const EXPECTED: Record<LabelPlan['name'], (truth: CustomerTruth, at: EpochMs) => number> = {
  engagement: (truth, at) => truth.expectedActiveShare(at, daysOf.engagement),
  churn: (truth, at) => truth.churnProbability(at, daysOf.churn),
  ltv: (truth, at) => truth.expectedRevenueMinor(at, daysOf.ltv) / 100,
};

export function worldHistory({ customers, days, seed, endAt }: WorldSize): WorldHistory {
  const startAt = endAt - days * DAY_MS;
  const settings = { ...DEFAULT_WORLD, customers, days, seed, startAt };
  const truths = new Map(
    Array.from({ length: customers }, (_customer, index) => {
      const truth = worldTruth(settings, index);
      return [truth.customerId, truth];
    }),
  );
  return {
    history: worldRecords(settings),
    truth: (id, at, model) => EXPECTED[model](truths.get(id)!, at),
    range: { startAt, endAt },
  };
}
