/**
 * # 4. Time is an event
 *
 * Windows slide and recency grows although nothing happens. The core knows when: `validUntil` is the first instant at
 * which the vector may change without any input. A scheduler turns that into a `tick` command, and the tick takes the
 * same path as every other input.
 */
import {
  DEFAULT_SETTINGS,
  FEATURE_NAMES,
  fold,
  newCustomer,
  nextWake,
  toVector,
  validUntil,
} from '../../processors/core';
import { activity, tick } from '../../processors/core/testing/inputs';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../schemas';

const MIDNIGHT = Date.UTC(2026, 2, 1);
const NOON = MIDNIGHT + 12 * HOUR_MS;
const CLOCKS = { 'web-events': 0, orders: 0, customers: 0, 'customer-commands': 0, 'customer-mail': 0 };
const idle = (vector: Float32Array): number => vector[FEATURE_NAMES.indexOf('last_login_days_ago')]!;

function kimAtNoon() {
  const kim = newCustomer('kim');
  fold(kim, activity(NOON), CLOCKS, DEFAULT_SETTINGS, []);
  return kim;
}

test('the vector stays the same bytes until validUntil, and changes there', () => {
  const { facts } = kimAtNoon();
  const until = validUntil(facts, NOON);
  expect(until).toBe(MIDNIGHT + DAY_MS);
  expect(idle(toVector(facts, until - 1))).toBe(0);
  expect(idle(toVector(facts, until))).toBe(1);
});

test('the next wake is whatever comes first: here the end of the session', () => {
  const kim = kimAtNoon();
  expect(nextWake(kim, DEFAULT_SETTINGS)).toBe(NOON + 40 * MINUTE_MS);
  fold(kim, tick(NOON + 40 * MINUTE_MS), CLOCKS, DEFAULT_SETTINGS, []);
  expect(nextWake(kim, DEFAULT_SETTINGS)).toBe(MIDNIGHT + DAY_MS);
});

test('silence gets cheaper: ages widen from days to weeks to months', () => {
  const { facts } = kimAtNoon();
  /** How often the vector may change between two days of silence. */
  const changes = (fromDay: number, toDay: number): number => {
    let count = 0;
    let at = validUntil(facts, MIDNIGHT + fromDay * DAY_MS);
    for (; at <= MIDNIGHT + toDay * DAY_MS; at = validUntil(facts, at)) count++;
    return count;
  };
  expect(changes(0, 31)).toBe(31);
  // A week each, and the months since sign-up.
  expect(changes(100, 365)).toBeLessThan(55);
  expect(changes(400, 765)).toBeLessThan(27);
});
