/** What the benchmark learns from and what it is judged by, apart: a vector by the real core at every look. */
import type { CustomerId, EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';
import { DEFAULT_SETTINGS, fold, newCustomer, toVector } from '../../../processors/core';
import type { Effect, OrderInput } from '../../../processors/core';
import type { Look } from './instants';
import { CALIBRATION_END, CHURN_DAYS, REVENUE_DAYS, looksAt } from './instants';

export interface BenchmarkRow {
  customer: number;
  look: Look;
  vector: Float32Array;
  /** churn: no order came, 0 or 1; revenue: in major units; now: NaN, it lies beyond the calibration. */
  label: number;
}

export interface HeldOut {
  /** 1 when no order came in the 30 days after the calibration. */
  churn: number;
  /** Of the 273 days after it, major units. */
  revenue: number;
}

const within = (orders: readonly OrderInput[], after: EpochMs, days: number): OrderInput[] =>
  orders.filter(({ eventAt }) => eventAt > after && eventAt <= after + days * DAY_MS);

const revenueOf = (orders: readonly OrderInput[]): number =>
  orders.reduce((sum, { amountMinor }) => sum + (amountMinor ?? 0), 0) / 100;

/** Rows of one customer from the orders of the calibration alone. */
export function rowsOf(customer: number, id: CustomerId, orders: readonly OrderInput[]): BenchmarkRow[] {
  const calibration = orders.filter(({ eventAt }) => eventAt <= CALIBRATION_END);
  const looks = calibration.length === 0 ? [] : looksAt(calibration[0]!.eventAt);
  const known = newCustomer(id);
  const clocks = {
    'web-events': -Infinity,
    orders: -Infinity,
    customers: -Infinity,
    'customer-commands': -Infinity,
    'customer-mail': -Infinity,
  };
  const effects: Effect[] = [];
  let taken = 0;
  return looks.map(look => {
    for (; taken < calibration.length && calibration[taken]!.recordAt <= look.at; taken++) {
      clocks[calibration[taken]!.source.topic] = calibration[taken]!.recordAt;
      fold(known, calibration[taken]!, clocks, DEFAULT_SETTINGS, effects);
    }
    return { customer, look, vector: toVector(known.facts, look.at), label: labelOf(look, calibration) };
  });
}

function labelOf({ kind, at, days }: Look, calibration: readonly OrderInput[]): number {
  if (kind === 'now') return NaN;
  const coming = within(calibration, at, days);
  return kind === 'churn' ? Number(coming.length === 0) : revenueOf(coming);
}

export const heldOut = (orders: readonly OrderInput[]): HeldOut => ({
  churn: Number(within(orders, CALIBRATION_END, CHURN_DAYS).length === 0),
  revenue: revenueOf(within(orders, CALIBRATION_END, REVENUE_DAYS)),
});
