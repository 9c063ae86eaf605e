import { DAY_MS, MINUTE_MS } from '../../schemas';
import { activity, NO_CLOCKS, tick } from './testing/inputs';
import { SPAN, newCustomer } from './facts';
import type { Customer } from './facts';
import { fold } from './fold';
import { nextWake } from './change';
import { SESSION_GAP_MS, uniteInstant } from './sessions';
import { DEFAULT_SETTINGS } from './settings';
import { Table } from './table';
import type { CustomerInput, Effect } from './types';

const T0 = Date.UTC(2026, 0, 10, 12);

function spansOf(instants: readonly number[], gap: number): number[][] {
  const spans = new Table(7);
  for (const at of instants) uniteInstant(spans, at, gap);
  return spans.toRows().map(row => [row[SPAN.start]!, row[SPAN.end]!]);
}

describe('uniteInstant', () => {
  test('late_event_unites_two: gap 5, events at 10, 12, 20, then a late 16', () =>
    expect(spansOf([10, 12, 20, 16], 5)).toEqual([[10, 20]]));
  test('extends_forward_exact_gap', () => expect(spansOf([10, 15], 5)).toEqual([[10, 15]]));
  test('starts_new_one_beyond_the_gap', () =>
    expect(spansOf([10, 16], 5)).toEqual([
      [10, 10],
      [16, 16],
    ]));
  test('extends_backward_exact_gap', () => expect(spansOf([10, 5], 5)).toEqual([[5, 10]]));
  test('an_event_inside_changes_no_end', () => expect(spansOf([10, 14, 12], 5)).toEqual([[10, 14]]));
});

function run(customer: Customer, inputs: readonly CustomerInput[]): Effect[] {
  const effects: Effect[] = [];
  for (const input of inputs) fold(customer, input, NO_CLOCKS, DEFAULT_SETTINGS, effects);
  return effects;
}

const sessionsOf = (effects: readonly Effect[]) =>
  effects.flatMap(effect => (effect.kind === 'session' ? [effect.session] : []));
const CLOSE_MS = SESSION_GAP_MS + DEFAULT_SETTINGS.sessionGraceMs;

describe('closing sessions', () => {
  test('a session is published by the tick at its end + gap + grace, once', () => {
    const customer = newCustomer('c1');
    run(customer, [activity(T0, { page: '/a' }), activity(T0 + MINUTE_MS, { page: '/b' })]);
    expect(nextWake(customer, DEFAULT_SETTINGS)).toBe(T0 + MINUTE_MS + CLOSE_MS);
    expect(sessionsOf(run(customer, [tick(T0 + MINUTE_MS + CLOSE_MS - 1)]))).toEqual([]);
    const [session] = sessionsOf(run(customer, [tick(T0 + MINUTE_MS + CLOSE_MS)]));
    expect(session).toMatchObject({
      startAt: T0,
      endAt: T0 + MINUTE_MS,
      events: 2,
      entryPage: '/a',
      exitPage: '/b',
      revision: 1,
    });
    expect(sessionsOf(run(customer, [tick(T0 + DAY_MS)]))).toEqual([]);
  });

  test('a late event that unites two published ones supersedes them with a higher revision', () => {
    const customer = newCustomer('c1');
    const second = T0 + 2 * SESSION_GAP_MS;
    run(customer, [activity(T0), activity(second), tick(second + CLOSE_MS)]);
    run(customer, [activity(T0 + SESSION_GAP_MS, { recordAt: second + 2 * CLOSE_MS })]);
    expect(nextWake(customer, DEFAULT_SETTINGS)).toBe(second + CLOSE_MS);
    const [united] = sessionsOf(run(customer, [tick(second + 2 * CLOSE_MS)]));
    expect(united).toMatchObject({
      startAt: T0,
      endAt: second,
      events: 3,
      revision: 2,
      supersedes: [`c1:${second}`],
    });
  });

  test('a change later than two days after the end touches features only', () => {
    const customer = newCustomer('c1');
    run(customer, [activity(T0), tick(T0 + CLOSE_MS)]);
    run(customer, [activity(T0 + 5, { recordAt: T0 + 3 * DAY_MS })]);
    expect(sessionsOf(run(customer, [tick(T0 + 3 * DAY_MS)]))).toEqual([]);
    expect(customer.facts.sessions.at(0, SPAN.events)).toBe(2);
  });

  test('an event two days late that extends a published session keeps its entry and raises its revision', () => {
    const customer = newCustomer('c1');
    const grown = T0 + 20 * MINUTE_MS;
    run(customer, [activity(T0, { page: '/entry' }), tick(T0 + CLOSE_MS)]);
    // Another session closes when the first one ended just more than two days ago.
    const other = T0 + 2 * DAY_MS + 1 - CLOSE_MS;
    run(customer, [activity(other), tick(other + CLOSE_MS)]);
    run(customer, [activity(grown, { recordAt: grown + 2 * DAY_MS, page: '/exit' })]);
    const [session] = sessionsOf(run(customer, [tick(grown + 2 * DAY_MS)]));
    expect(session).toMatchObject({ startAt: T0, endAt: grown, revision: 2, entryPage: '/entry' });
  });

  test('a session whose tick comes days late is still published', () => {
    const customer = newCustomer('c1');
    run(customer, [activity(T0, { page: '/late' })]);
    expect(sessionsOf(run(customer, [tick(T0 + 9 * DAY_MS)]))).toMatchObject([
      { events: 1, entryPage: '/late' },
    ]);
  });
});
