/** Days, ages and months by counting: slow, and plainly what features.md says. */
import type { EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';

export const dayAt = (at: EpochMs): number => Math.floor(at / DAY_MS);

/** d up to 30; 31 + 7⌊(d - 31)/7⌋ up to 365; 366 + 30⌊(d - 366)/30⌋ up to 1,460; then 1,460: counted out once. */
const STEPPED = Array.from({ length: 1_462 }, () => 0);
for (let days = 1, shown = 0; days <= 1_461; days++) {
  const isDaily = days <= 31;
  const isWeekly = days <= 365 && (days - 31) % 7 === 0;
  const isMonthly = days >= 366 && days <= 1_460 && (days - 366) % 30 === 0;
  if (isDaily || isWeekly || isMonthly) shown = days;
  STEPPED[days] = days > 1_460 ? 1_460 : shown;
}

export const stepped = (days: number): number => STEPPED[Math.min(Math.max(days, 0), 1_461)]!;

export const age = (at: EpochMs, asOf: EpochMs): number => stepped(dayAt(asOf) - dayAt(at));

/** Mondays from 1970 to each day of a century, both included: counted out once. */
const MONDAYS: number[] = [];
for (let day = 0, mondays = 0; day < 36_525; day++) {
  if (new Date(day * DAY_MS).getUTCDay() === 1) mondays++;
  MONDAYS.push(mondays);
}

/** Mondays that were passed from one day to a later one. */
export const weeksBack = (from: number, to: number): number => MONDAYS[to]! - MONDAYS[from]!;

/** The first 120 monthly anniversaries; a day that a month lacks is its last day. */
export function anniversaries(from: EpochMs): EpochMs[] {
  const start = new Date(from);
  return Array.from({ length: 120 }, (_, index) => {
    const month = start.getUTCMonth() + index + 1;
    const lastOfMonth = new Date(Date.UTC(start.getUTCFullYear(), month + 1, 0)).getUTCDate();
    return Date.UTC(start.getUTCFullYear(), month, Math.min(start.getUTCDate(), lastOfMonth));
  });
}

/** Anniversaries up to the as-of's date. */
export const months = (from: EpochMs, asOf: EpochMs): number =>
  anniversaries(from).filter(at => at <= dayAt(asOf) * DAY_MS).length;
