/**
 * # 3. Any order
 *
 * Facts are merges: counters that add, registers that keep the newest, sets that unite. So late, repeated and swapped
 * messages need no special case; they land where they belong.
 */
import { DEFAULT_SETTINGS, FEATURE_NAMES, fold, newCustomer, toVector } from '../../processors/core';
import type { CustomerInput } from '../../processors/core';
import { activity, order } from '../../processors/core/testing/inputs';
import { DAY_MS, HOUR_MS } from '../../schemas';

const DAY = Date.UTC(2026, 2, 1);
const AS_OF = DAY + 10 * DAY_MS;
const CLOCKS = { 'web-events': 0, orders: 0, customers: 0, 'customer-commands': 0, 'customer-mail': 0 };

function vectorOf(inputs: readonly CustomerInput[]): Float32Array {
  const kim = newCustomer('kim');
  for (const input of inputs) fold(kim, input, CLOCKS, DEFAULT_SETTINGS, []);
  return toVector(kim.facts, AS_OF);
}

const feature = (vector: Float32Array, name: string): number => vector[FEATURE_NAMES.indexOf(name)]!;

const placed = order(DAY + HOUR_MS, { orderId: 'o1', amountMinor: 5_000 });
const revised = order(DAY + 2 * HOUR_MS, { orderId: 'o1', action: 'updated', amountMinor: 4_000 });
const refunded = order(DAY + DAY_MS, { orderId: 'o1', action: 'refunded', amountMinor: 1_500 });
const viewed = activity(DAY + 3 * DAY_MS);

test('a refund that comes before its order is a refund all the same', () => {
  const vector = vectorOf([refunded, viewed, revised, placed]);
  expect(feature(vector, 'revenue_lifetime')).toBe(25);
  expect(feature(vector, 'refund_rate_lifetime')).toBe(0.375);
});

test('every order of arrival gives the same bytes', () => {
  const expected = vectorOf([placed, revised, refunded, viewed]);
  for (const inputs of [
    [viewed, refunded, revised, placed],
    [revised, placed, viewed, refunded],
  ])
    expect(Buffer.from(vectorOf(inputs).buffer).equals(Buffer.from(expected.buffer))).toBe(true);
});

test('a copy within 48 hours counts once', () => {
  const kim = newCustomer('kim');
  const copy = { ...viewed, recordAt: viewed.recordAt + 47 * HOUR_MS };
  expect(fold(kim, viewed, CLOCKS, DEFAULT_SETTINGS, []).kind).toBe('applied');
  expect(fold(kim, copy, CLOCKS, DEFAULT_SETTINGS, []).kind).toBe('duplicate');
});
