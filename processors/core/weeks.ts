/**
 * Weeks with own activity: one bit a day, united, so that counts of active days reach back for a year at a byte a week.
 * Weeks are UTC and begin on Monday; week 0 has 1970-01-01, a Thursday, in it.
 */
import type { EpochDay } from '../../schemas';
import { dayOf } from '../../schemas';
import { HORIZON, WEEK } from './facts';
import type { CustomerFacts } from './facts';
import type { Table } from './table';

const MONDAY = 3;

export const weekOf = (day: EpochDay): number => Math.floor((day + MONDAY) / 7);

/** The Monday that a week begins with. */
export const firstDayOf = (week: number): EpochDay => 7 * week - MONDAY;

/** Marks the day of an own activity, unless its week is beyond the horizon. */
export function markWeek(facts: CustomerFacts, day: EpochDay): void {
  const week = weekOf(day);
  if (week >= weekOf(dayOf(facts.clock)) - HORIZON.weeks) markDay(facts.weeks, day);
}

export function markDay(weeks: Table, day: EpochDay): void {
  const week = weekOf(day);
  const row = weeks.lowerBound(week);
  if (row === weeks.rows || weeks.at(row, WEEK.week) !== week) {
    weeks.insert(row);
    weeks.set(row, WEEK.week, week);
  }
  weeks.set(row, WEEK.activeDays, weeks.at(row, WEEK.activeDays) | (1 << (day - firstDayOf(week))));
}

/** All days with own activity that the weeks hold, in order. */
export const activeDaysOf = ({ weeks }: CustomerFacts): EpochDay[] =>
  weeks
    .toRows()
    .flatMap(([week, activeDays]) =>
      Array.from({ length: 7 }, (_, weekday) => firstDayOf(week!) + weekday).filter(
        (_, weekday) => (activeDays! & (1 << weekday)) !== 0,
      ),
    );

export function trimWeeks(facts: CustomerFacts): void {
  facts.weeks.remove(0, facts.weeks.lowerBound(weekOf(dayOf(facts.clock)) - HORIZON.weeks));
}
