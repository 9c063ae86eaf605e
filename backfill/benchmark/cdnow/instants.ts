/**
 * When the benchmark looks at a customer, and what it may learn from. Nothing here reaches beyond the calibration.
 *
 * `now`      the end of the calibration: what is scored.
 * `churn`    30, 60, 90 and 120 days before: whether an order came in the next 30 days is known by the end.
 * `revenue`  one instant per customer, in the same proportion as the question. Everybody bought first within a
 *            quarter, so a snapshot is always of a younger customer than the one to be scored, and the buying of this
 *            cohort slows down as it ages: windows of fixed length are not stationary. What is nearly stationary is
 *            the proportion. A customer of age a at the end is asked about the next h days; the snapshot at age
 *            a² / (a + h) is asked about the rest of the calibration, which is just as long against its age.
 */
import type { EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';

/** The last millisecond of 1997-09-30 UTC. */
export const CALIBRATION_END = Date.UTC(1997, 9, 1) - 1;
export const REVENUE_DAYS = 273;
export const CHURN_DAYS = 30;
const CHURN_LOOKS = 4;
/** As in the product: customers who are new say little. */
const TENURE_DAYS = 60;

export interface Look {
  kind: 'now' | 'churn' | 'revenue';
  /** The last millisecond of a UTC day. */
  at: EpochMs;
  /** The label looks at (at, at + days]. */
  days: number;
}

/** Of a customer whose first order was at `firstAt`, the latest last. */
export function looksAt(firstAt: EpochMs): Look[] {
  const age = Math.floor(CALIBRATION_END / DAY_MS) - Math.floor(firstAt / DAY_MS);
  const looks: Look[] = [{ kind: 'now', at: CALIBRATION_END, days: REVENUE_DAYS }];
  const before = (kind: Look['kind'], back: number, days: number): void => {
    looks.push({ kind, at: CALIBRATION_END - back * DAY_MS, days });
  };
  for (let back = CHURN_DAYS; back <= CHURN_LOOKS * CHURN_DAYS; back += CHURN_DAYS)
    if (age - back >= TENURE_DAYS) before('churn', back, CHURN_DAYS);
  const rest = age - Math.floor((age * age) / (age + REVENUE_DAYS));
  if (age - rest > 0) before('revenue', rest, rest);
  return looks.sort((a, b) => a.at - b.at);
}
