/** Day tiles: counters that add and hours that are united, per UTC day. */
import type { EpochDay, EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS, dayOf } from '../../schemas';
import { DAY, HORIZON } from './facts';
import type { CustomerFacts } from './facts';

/** The row of a day, made if needed; -1 when the day is already beyond the horizon. */
export function dayRow(facts: CustomerFacts, day: EpochDay): number {
  if (day < dayOf(facts.clock) - HORIZON.days) return -1;
  const { days } = facts;
  const row = days.lowerBound(day);
  if (row === days.rows || days.at(row, DAY.day) !== day) {
    days.insert(row);
    days.set(row, DAY.day, day);
  }
  return row;
}

/** Marks the hour of an own activity. */
export function markActive(facts: CustomerFacts, row: number, at: EpochMs): void {
  const hour = Math.floor((at - dayOf(at) * DAY_MS) / HOUR_MS);
  facts.days.set(row, DAY.activeHours, facts.days.at(row, DAY.activeHours) | (1 << hour));
}

export function trimDays(facts: CustomerFacts): void {
  const oldest = dayOf(facts.clock) - HORIZON.days;
  const { days } = facts;
  let expired = 0;
  while (expired < days.rows && days.at(expired, DAY.day) < oldest) expired++;
  days.remove(0, expired);
}
