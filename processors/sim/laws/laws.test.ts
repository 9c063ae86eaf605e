/**
 * The laws of docs/features.md: 10,000 cases in all. A failing run prints seed and path; RESCORE_LAW_SEED and, with
 * `-t` for the one test, RESCORE_LAW_PATH take them back.
 */
import fc from 'fast-check';
import { MINUTE_MS } from '../../../schemas';
import * as core from '../../core';
import { NO_CLOCKS, activity, order } from '../../core/testing/inputs';
import { ORACLE, ordersOf } from '../oracle';
import { broadHistory, edgeHistory, eveningHistory } from './histories';
import { brokenLaw } from './laws';
import { sessionLaw } from './session-laws';

const seed = Number(process.env['RESCORE_LAW_SEED'] ?? 20_260_301);
const path = process.env['RESCORE_LAW_PATH'];
const run = (numRuns: number) => ({ seed, numRuns, ...(path === undefined ? {} : { path }) });

test('the oracle has one line for each feature of the layout', () => {
  expect(Object.keys(ORACLE)).toEqual(core.FEATURE_NAMES);
});

test.each([
  ['for broad histories', broadHistory, 3_500],
  ['at the edges', edgeHistory, 2_500],
  ['in crowded evenings', eveningHistory, 2_000],
])('every law holds %s', (_where, histories, cases) => {
  fc.assert(
    fc.property(histories, history => expect(brokenLaw(core, history)).toBeNull()),
    run(cases),
  );
});

const AT = Date.UTC(2026, 1, 10, 12);

test('order registers: every order of arrival gives the same orders, those of the oracle', () => {
  const message = fc.record({
    action: fc.constantFrom('completed', 'updated', 'refunded', 'cancelled'),
    minute: fc.nat(3),
    amountMinor: fc.oneof(fc.constant(null), fc.integer({ min: -50, max: 500 })),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), messages => {
      const inputs = messages.map(({ minute, ...said }, index) =>
        order(AT + minute * MINUTE_MS, { ...said, orderId: 'o1', messageId: `m${index}` }),
      );
      const expected = JSON.stringify(ordersOf(inputs));
      for (const arrangement of permutations(inputs)) {
        const customer = core.newCustomer('c1');
        for (const input of arrangement) core.fold(customer, input, NO_CLOCKS, core.DEFAULT_SETTINGS, []);
        const found: object[] = [];
        core.forEachOrder(customer.facts, worth => found.push({ ...worth }));
        if (JSON.stringify(found) !== expected) expect({ arrangement, found }).toEqual(expected);
      }
    }),
    run(1_000),
  );
});

test('sessions: any order of arrival cuts where the gap cuts, and nowhere else', () => {
  const happening = fc.record({
    halfHours: fc.nat(5),
    ms: fc.constantFrom(-1, 0, 1, 10 * MINUTE_MS),
    turn: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(happening, { minLength: 1, maxLength: 9 }), happenings => {
      const inputs = happenings.map(({ halfHours, ms }, index) =>
        activity(AT + halfHours * core.SESSION_GAP_MS + ms, { messageId: `m${index}` }),
      );
      const customer = core.newCustomer('c1');
      const arrival = inputs.map((input, index) => ({ input, turn: happenings[index]!.turn }));
      for (const { input } of arrival.sort((a, b) => a.turn - b.turn))
        core.fold(customer, input, NO_CLOCKS, core.DEFAULT_SETTINGS, []);
      expect(sessionLaw({ inputs, asOf: AT }, customer)).toBeNull();
    }),
    run(1_000),
  );
});

test.each([
  [0.7, 'high'],
  [0.699_999_999, 'medium'],
  [0.4, 'medium'],
  [0.399_999_999, 'low'],
  [0.2, 'low'],
  [0.199_999_999, 'atRisk'],
])('a score of %d is %s', (score, segment) => expect(core.segmentOf(score)).toBe(segment));

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((first, at) =>
    permutations([...list.slice(0, at), ...list.slice(at + 1)]).map(rest => [first, ...rest]),
  );
}
