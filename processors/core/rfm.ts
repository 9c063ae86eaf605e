/** RFM: a rule with constants frozen in the artifact, so that one customer's purchase changes nobody else's score. */
import type { CustomerStatus, RfmScore, RfmSegment } from '../../schemas';
import type { Evaluation, NormalisationRange, ScoringConstants } from './types';

/** Clipped min-max, 0..1; 0 for a range without width. */
export const normalise = (value: number, { min, max }: NormalisationRange): number =>
  max > min ? Math.min(Math.max((value - min) / (max - min), 0), 1) : 0;

const round9 = (value: number): number => Math.round(value * 1e9) / 1e9;

/**
 * R = 1 - norm(days since the last order), 0 for who never ordered; F = 0.6 norm(orders) + 0.4 norm(sessions of
 * 30 days); M = norm(ln(1 + revenue)); score = 0.4 R + 0.3 F + 0.3 M.
 */
export function rfmScore(evaluation: Evaluation, ranges: ScoringConstants['rfm']): RfmScore {
  const { daysSinceLastOrder, orders, sessionsLast30Days, revenueMinor } = evaluation;
  const recency =
    daysSinceLastOrder === null ? 0 : 1 - normalise(daysSinceLastOrder, ranges.daysSinceLastOrder);
  const frequency =
    0.6 * normalise(orders, ranges.ordersLifetime) +
    0.4 * normalise(sessionsLast30Days, ranges.sessionsLast30Days);
  const monetary = normalise(Math.log1p(revenueMinor / 100), ranges.lnRevenueLifetime);
  return {
    score: round9(0.4 * recency + 0.3 * frequency + 0.3 * monetary),
    recency: round9(recency),
    frequency: round9(frequency),
    monetary: round9(monetary),
  };
}

export const segmentOf = (score: number): RfmSegment =>
  score >= 0.7 ? 'high' : score >= 0.4 ? 'medium' : score >= 0.2 ? 'low' : 'atRisk';

export function statusOf({ orders, sessionsLast30Days }: Evaluation): CustomerStatus {
  if (orders > 0) return 'active';
  return sessionsLast30Days > 0 ? 'browsingOnly' : 'notActive';
}
