import { DAY_MS, midnight } from '../../schemas';
import {
  civilDate,
  dayOfCivil,
  isoDate,
  monthsBetween,
  nextAgeStep,
  nextMonthChange,
  widenAge,
} from './calendar';

describe('ages', () => {
  test.each([
    [-3, 0],
    [0, 0],
    [30, 30],
    [31, 31],
    [37, 31],
    [38, 38],
    [365, 360],
    [366, 366],
    [1_460, 1_446],
    [1_461, 1_460],
    [9_999, 1_460],
  ])('an age of %d days shows as %d', (days, shown) => expect(widenAge(days)).toBe(shown));

  test('the next step is the first day count that shows differently', () => {
    for (let days = 0; days <= 1_500; days++) {
      let expected = days + 1;
      while (expected <= 3_000 && widenAge(expected) === widenAge(days)) expected++;
      expect(nextAgeStep(days)).toBe(expected > 3_000 ? Infinity : expected);
    }
  });
});

describe('civil dates', () => {
  test('agree with the platform for every day of 1990 to 2110', () => {
    for (let day = 7_305; day < 51_134; day++) {
      const date = new Date(day * DAY_MS);
      const { year, month, day: dayOfMonth } = civilDate(day);
      expect([year, month, dayOfMonth]).toEqual([
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
      ]);
      expect(dayOfCivil(year, month, dayOfMonth)).toBe(day);
    }
  });

  test('show as ISO dates', () => expect(isoDate(Date.UTC(2026, 1, 3, 23, 59))).toBe('2026-02-03'));
});

describe('months', () => {
  const at = (iso: string): number => Date.parse(`${iso}T12:00:00Z`);
  test.each([
    ['2026-01-31', '2026-02-27', 0],
    ['2026-01-31', '2026-02-28', 1],
    ['2024-01-31', '2024-02-28', 0],
    ['2024-01-31', '2024-02-29', 1],
    ['2026-01-15', '2027-01-14', 11],
    ['2026-01-15', '2027-01-15', 12],
    ['2026-05-01', '2026-01-01', 0],
    ['2000-01-01', '2026-01-01', 120],
  ])('from %s to %s are %d', (from, to, months) => expect(monthsBetween(at(from), at(to))).toBe(months));

  test('change exactly at the instant that nextMonthChange names', () => {
    for (let day = 19_700; day < 20_500; day += 3) {
      const from = day * DAY_MS + 5_000;
      const asOf = midnight(day + 40) + 777;
      const change = nextMonthChange(from, asOf);
      expect(monthsBetween(from, change)).toBe(monthsBetween(from, asOf) + 1);
      expect(monthsBetween(from, change - 1)).toBe(monthsBetween(from, asOf));
    }
  });
});
