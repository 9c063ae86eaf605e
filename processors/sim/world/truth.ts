/**
 * What will happen, as the world itself would bet: exact probabilities given the latent state. No model can know
 * them; they are the measure of how far one is from the best.
 */
import type { CustomerId, EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';
import { latentOf, ordersOn, sessionsOn } from './latent';
import type { Latent } from './latent';
import type { WorldSettings } from './settings';

export interface CustomerTruth {
  customerId: CustomerId;
  signedUpAt: EpochMs;
  /** P(no own activity in the `days` days after the midnight at or after `at`), given the latent state. */
  churnProbability(at: EpochMs, days?: number): number;
  /** Expected net revenue of the days after `at`, minor units. */
  expectedRevenueMinor(at: EpochMs, days: number): number;
  /** Expected share of the `days` days after `at` with own activity. */
  expectedActiveShare(at: EpochMs, days?: number): number;
}

const sumOverDays = (at: EpochMs, days: number, of: (midnightAt: EpochMs) => number): number => {
  const first = Math.ceil(at / DAY_MS) * DAY_MS;
  let sum = 0;
  for (let day = 0; day < days; day++) sum += of(first + day * DAY_MS);
  return sum;
};

/** Own occasions of a day are Poisson: sessions, and orders that come with their own visit. */
export const occasionsOn = (latent: Latent, midnightAt: EpochMs): number =>
  sessionsOn(latent, midnightAt) + ordersOn(latent, midnightAt);

/** Share of the revenue that stays. A refund is of the whole order in half of the cases, else of half of it (events.ts). */
export const keptShare = ({ refundShare, cancelShare }: WorldSettings): number =>
  (1 - cancelShare) * (1 - 0.75 * refundShare);

export function truthOf(latent: Latent, settings: WorldSettings): CustomerTruth {
  const kept = keptShare(settings);
  return {
    customerId: latent.customerId,
    signedUpAt: latent.signedUpAt,
    churnProbability: (at, days = 30) =>
      Math.exp(-sumOverDays(at, days, midnightAt => occasionsOn(latent, midnightAt))),
    expectedRevenueMinor: (at, days) =>
      kept * latent.meanOrderMinor * sumOverDays(at, days, midnightAt => ordersOn(latent, midnightAt)),
    expectedActiveShare: (at, days = 30) =>
      sumOverDays(at, days, midnightAt => 1 - Math.exp(-occasionsOn(latent, midnightAt))) / days,
  };
}

/** Of the customer with this index; nothing is kept. */
export const worldTruth = (settings: WorldSettings, index: number): CustomerTruth =>
  truthOf(latentOf(settings, index), settings);
