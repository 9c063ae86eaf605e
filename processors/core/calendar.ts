/** Ages and months: how the vector grows old with no event at all. All on UTC days. */
import type { EpochDay, EpochMs } from '../../schemas';
import { DAY_MS, NEVER, dayOf, midnight } from '../../schemas';

const DAILY_UNTIL = 30;
const WEEKLY_UNTIL = 365;
const MONTHLY_UNTIL = 1_460;
const LAST_MONTH = 120;

/**
 * Whole days in steps that widen: d up to 30; 31 + 7⌊(d - 31)/7⌋ up to 365; 366 + 30⌊(d - 366)/30⌋ up to 1,460;
 * then 1,460. A silent customer changes daily for a month, then weekly for a year, then monthly.
 */
export function widenAge(days: number): number {
  if (days <= 0) return 0;
  if (days <= DAILY_UNTIL) return days;
  if (days <= WEEKLY_UNTIL) return 31 + 7 * Math.floor((days - 31) / 7);
  if (days <= MONTHLY_UNTIL) return 366 + 30 * Math.floor((days - 366) / 30);
  return MONTHLY_UNTIL;
}

/** The smallest number of days above `days` whose widened age differs. */
export function nextAgeStep(days: number): number {
  if (days < 0) return 1;
  if (days <= DAILY_UNTIL) return days + 1;
  if (days <= WEEKLY_UNTIL) return Math.min(31 + 7 * (Math.floor((days - 31) / 7) + 1), WEEKLY_UNTIL + 1);
  if (days <= MONTHLY_UNTIL)
    return Math.min(366 + 30 * (Math.floor((days - 366) / 30) + 1), MONTHLY_UNTIL + 1);
  return NEVER;
}

/** Age in widened days of something that happened at `at`. */
export const ageOf = (at: EpochMs, asOf: EpochMs): number => widenAge(dayOf(asOf) - dayOf(at));

/** The midnight at which that age takes its next step. */
export function nextAgeChange(at: EpochMs, asOf: EpochMs): EpochMs {
  const step = nextAgeStep(dayOf(asOf) - dayOf(at));
  return step === NEVER ? NEVER : midnight(dayOf(at) + step);
}

interface CivilDate {
  year: number;
  /** 1..12 */
  month: number;
  day: number;
}

/** Civil date of a UTC day (H. Hinnant, "chrono-compatible low-level date algorithms"). */
export function civilDate(day: EpochDay): CivilDate {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

/** UTC day of a civil date, the inverse of `civilDate`. */
export function dayOfCivil(year: number, month: number, day: number): EpochDay {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const daysInMonth = (year: number, month: number): number =>
  month === 12 ? 31 : dayOfCivil(year, month + 1, 1) - dayOfCivil(year, month, 1);

/** UTC day of `from` plus whole months; a day that the month lacks is its last day. */
function addMonths(from: CivilDate, months: number): EpochDay {
  const index = from.year * 12 + (from.month - 1) + months;
  const year = Math.floor(index / 12);
  const month = index - year * 12 + 1;
  return dayOfCivil(year, month, Math.min(from.day, daysInMonth(year, month)));
}

/** Whole calendar months between two UTC dates, 0..120. */
export function monthsBetween(from: EpochMs, asOf: EpochMs): number {
  const start = civilDate(dayOf(from));
  const end = civilDate(dayOf(asOf));
  const months = (end.year - start.year) * 12 + end.month - start.month;
  const reached = addMonths(start, months) <= dayOf(asOf) ? months : months - 1;
  return Math.min(Math.max(reached, 0), LAST_MONTH);
}

/** The midnight at which `monthsBetween` takes its next step. */
export function nextMonthChange(from: EpochMs, asOf: EpochMs): EpochMs {
  const months = monthsBetween(from, asOf);
  return months >= LAST_MONTH ? NEVER : midnight(addMonths(civilDate(dayOf(from)), months + 1));
}

/** ISO date of an instant's UTC day, for sentences. */
export function isoDate(at: EpochMs): string {
  const { year, month, day } = civilDate(Math.floor(at / DAY_MS));
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
