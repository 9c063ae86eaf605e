/**
 * # 1. One event
 *
 * Trackers speak the Segment specification. A line of JSON is read into a row for one of three topics; the core turns
 * the row into an input of one customer, and folds it into that customer's facts.
 */
import {
  DEFAULT_RULES,
  DEFAULT_SETTINGS,
  FEATURE_NAMES,
  fold,
  newCustomer,
  readInput,
  toVector,
} from '../../processors/core';
import { readSegmentLine } from '../../streams/segment';

const line = JSON.stringify({
  type: 'track',
  event: 'Product Viewed',
  userId: 'kim',
  messageId: 'm1',
  timestamp: '2026-03-01T12:00:00Z',
  context: { device: { type: 'ios' } },
});

const NOTHING_READ = { 'web-events': 0, orders: 0, customers: 0, 'customer-commands': 0, 'customer-mail': 0 };

test('a line becomes a row, the row an input, the input facts, the facts a vector', () => {
  // Read: which topic is it for, and what does it say? Nothing is decided here about what it means.
  const row = readSegmentLine(line);
  if (row.ok !== true) throw new Error('the line is well formed');
  expect([row.topic, row.key]).toEqual(['web-events', 'kim']);

  // Understand: ids are checked, the event time is resolved, names get their meaning.
  const recordAt = row.recordAt!;
  const source = { topic: row.topic, partition: 0, offset: 0, index: 0 };
  const reading = readInput(row.topic, row.value, { recordAt, source, mailedFrom: null }, DEFAULT_RULES);
  if (!reading.ok) throw new Error(reading.reason);
  expect(reading.input).toMatchObject({
    kind: 'activity',
    customerId: 'kim',
    name: 'Product Viewed',
    mobile: true,
  });

  // Fold: what happens to the customer, and what the world should hear of it (nothing, so far).
  const kim = newCustomer('kim');
  const effects: never[] = [];
  expect(fold(kim, reading.input, NOTHING_READ, DEFAULT_SETTINGS, effects)).toEqual({ kind: 'applied' });
  expect(effects).toEqual([]);

  // Ask: the vector at any instant from here on. No clock is asked; the instant is an argument.
  const vector = toVector(kim.facts, recordAt);
  const feature = (name: string): number => vector[FEATURE_NAMES.indexOf(name)]!;
  expect(feature('product_views_last_30_days')).toBe(1);
  expect(feature('mobile_usage_pct')).toBe(100);
  expect(feature('last_login_days_ago')).toBe(0);
  // What is not known is not zero.
  expect(feature('avg_transaction_value')).toBeNaN();
});

test('what can not be used says what is wrong with it, and what to send instead', () => {
  expect(readSegmentLine('{"type":"track","userId":"kim"}')).toEqual({
    ok: false,
    code: 'missing-event',
    reason: 'event is missing from a track call; send its name.',
  });
});
