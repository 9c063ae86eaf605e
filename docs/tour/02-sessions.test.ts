/**
 * # 2. Sessions
 *
 * A session is a chain of own web events with no gap above 30 minutes. It is not kept as a list of events but as a
 * span: start, end and counts. Spans unite, so it does not matter when an event is heard of.
 */
import { DEFAULT_SETTINGS, SESSION_GAP_MS, fold, newCustomer } from '../../processors/core';
import type { Effect } from '../../processors/core';
import { activity, tick } from '../../processors/core/testing/inputs';
import { MINUTE_MS } from '../../schemas';

const NOON = Date.UTC(2026, 2, 1, 12);
const CLOCKS = { 'web-events': 0, orders: 0, customers: 0, 'customer-commands': 0, 'customer-mail': 0 };
const at = (minutes: number): number => NOON + minutes * MINUTE_MS;

function customerWith(...minutes: number[]) {
  const kim = newCustomer('kim');
  for (const minute of minutes)
    fold(kim, activity(at(minute), { recordAt: at(Math.max(...minutes)) }), CLOCKS, DEFAULT_SETTINGS, []);
  return kim;
}

const spans = (...minutes: number[]): number[][] =>
  customerWith(...minutes)
    .facts.sessions.toRows()
    .map(([start, end, events]) => [(start! - NOON) / MINUTE_MS, (end! - NOON) / MINUTE_MS, events!]);

test('a gap of exactly 30 minutes keeps the session, one millisecond more starts another', () => {
  expect(SESSION_GAP_MS).toBe(30 * MINUTE_MS);
  expect(spans(0, 30)).toEqual([[0, 30, 2]]);
  expect(spans(0, 30 + 1 / MINUTE_MS)).toHaveLength(2);
});

test('a late event between two sessions unites them', () => {
  expect(spans(0, 45)).toEqual([
    [0, 0, 1],
    [45, 45, 1],
  ]);
  expect(spans(0, 45, 20)).toEqual([[0, 45, 3]]);
});

test('a session is published when it is over, by time alone; a late event publishes it again', () => {
  const kim = customerWith(0, 5);
  const effects: Effect[] = [];
  // 30 minutes of gap and 10 of grace after its end: nobody had to send anything.
  fold(kim, tick(at(45)), CLOCKS, DEFAULT_SETTINGS, effects);
  expect(effects).toMatchObject([{ kind: 'session', session: { events: 2, revision: 1, supersedes: [] } }]);

  effects.length = 0;
  fold(kim, activity(at(3), { recordAt: at(60) }), CLOCKS, DEFAULT_SETTINGS, effects);
  fold(kim, tick(at(60)), CLOCKS, DEFAULT_SETTINGS, effects);
  expect(effects).toMatchObject([{ kind: 'session', session: { events: 3, revision: 2 } }]);
});
