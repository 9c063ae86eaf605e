/** What scores need beside the vector, and RFM, from every event. */
import type { Evaluation, ScoringConstants } from '../../core';
import { dayAt, stepped } from './calendar';
import type { Question } from './features';
import { isWithin } from './history';
import { oracleValidUntil } from './next-change';
import { ordersOf } from './orders';

export type OracleEvaluation = Omit<Evaluation, 'customerId' | 'cause' | 'vectorHash'>;

export function oracleEvaluation(question: Question): OracleEvaluation {
  const { history, asOf } = question;
  const orders = ordersOf(history.orderMessages).filter(({ counts }) => counts);
  const own = history.ownActivity;
  return {
    asOf,
    validUntil: oracleValidUntil(question),
    lastOwnActivityAt: own.length === 0 ? null : Math.max(...own),
    orders: orders.length,
    revenueMinor: orders.reduce((sum, order) => sum + order.grossMinor - order.refundedMinor, 0),
    daysSinceLastOrder:
      orders.length === 0
        ? null
        : stepped(dayAt(asOf) - Math.max(...orders.map(({ placedAt }) => dayAt(placedAt)))),
    sessionsLast30Days: history.sessions.filter(({ end }) => isWithin(end, asOf, 30)).length,
  };
}

/** R, F and M, their sum, the band and the status, in whole billionths: what is rounded compares exactly. */
export function oracleRfm(
  { orders, revenueMinor, daysSinceLastOrder, sessionsLast30Days }: OracleEvaluation,
  ranges: ScoringConstants['rfm'],
) {
  const share = (value: number, { min, max }: { min: number; max: number }): number =>
    value <= min ? 0 : value >= max ? 1 : (value - min) / (max - min);
  const recency = daysSinceLastOrder === null ? 0 : 1 - share(daysSinceLastOrder, ranges.daysSinceLastOrder);
  const frequency =
    0.6 * share(orders, ranges.ordersLifetime) + 0.4 * share(sessionsLast30Days, ranges.sessionsLast30Days);
  const monetary = share(Math.log1p(revenueMinor / 100), ranges.lnRevenueLifetime);
  const billionths = (value: number): number => Math.round(value * 1e9);
  const score = billionths(0.4 * recency + 0.3 * frequency + 0.3 * monetary);
  return {
    score,
    recency: billionths(recency),
    frequency: billionths(frequency),
    monetary: billionths(monetary),
    segment: score >= 7e8 ? 'high' : score >= 4e8 ? 'medium' : score >= 2e8 ? 'low' : 'atRisk',
    status: orders > 0 ? 'active' : sessionsLast30Days > 0 ? 'browsingOnly' : 'notActive',
  };
}
