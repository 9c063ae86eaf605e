/** The laws of docs/features.md: 10,000 cases in all. A failing run prints seed and path; both can be given back. */
import fc from 'fast-check';
import * as core from '../../core';
import { activity, order } from '../../core/testing/inputs';
import { MINUTE_MS } from '../../../schemas';
import { ORACLE, OracleHistory, ordersOf } from '../oracle';
import { broadHistory, edgeHistory } from './histories';
import { brokenLaw } from './laws';

const seed = Number(process.env['RESCORE_LAW_SEED'] ?? 20_260_301);
const path = process.env['RESCORE_LAW_PATH'];
const run = (numRuns: number) => ({ seed, numRuns, ...(path === undefined ? {} : { path }) });

test('the oracle has one line for each feature of the layout', () => {
  expect(Object.keys(ORACLE)).toEqual(core.FEATURE_NAMES);
});

test('every law holds for broad histories', () => {
  fc.assert(
    fc.property(broadHistory, history => expect(brokenLaw(core, history)).toBeNull()),
    run(4_000),
  );
});

test('every law holds at the edges', () => {
  fc.assert(
    fc.property(edgeHistory, history => expect(brokenLaw(core, history)).toBeNull()),
    run(4_000),
  );
});

const AT = Date.UTC(2026, 1, 10, 12);

test('order registers: every order of arrival gives the same orders, those of the oracle', () => {
  const message = fc.record({
    action: fc.constantFrom('completed', 'updated', 'refunded', 'cancelled' as const),
    minute: fc.nat(3),
    amountMinor: fc.oneof(fc.constant(null), fc.nat(500)),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), messages => {
      const inputs = messages.map(({ action, minute, amountMinor }, index) =>
        order(AT + minute * MINUTE_MS, {
          action: action as 'completed',
          amountMinor,
          orderId: 'o1',
          messageId: `m${index}`,
        }),
      );
      const expected = ordersOf(inputs);
      for (const arrangement of permutations(inputs)) {
        const customer = core.newCustomer('c1');
        for (const input of arrangement) core.fold(customer, input, NO_CLOCKS, core.DEFAULT_SETTINGS, []);
        const found: object[] = [];
        core.forEachOrder(customer.facts, worth => found.push({ ...worth }));
        expect(found).toEqual(expected);
      }
    }),
    run(1_000),
  );
});

test('sessions: any order of arrival cuts where the gap cuts, and nowhere else', () => {
  const minutes = fc.array(fc.constantFrom(0, 1, 29, 30, 31, 59, 60, 61, 90, 91, 120, 150, 151), {
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(
    fc.property(minutes, fc.nat(), (offsets, turn) => {
      const inputs = offsets.map((minute, index) =>
        activity(AT + minute * MINUTE_MS, { messageId: `m${index}` }),
      );
      const customer = core.newCustomer('c1');
      const rotated = [...inputs.slice(turn % inputs.length), ...inputs.slice(0, turn % inputs.length)];
      for (const input of rotated) core.fold(customer, input, NO_CLOCKS, core.DEFAULT_SETTINGS, []);
      const spans = customer.facts.sessions.toRows().map(row => ({
        start: row[core.SPAN.start],
        end: row[core.SPAN.end],
        events: row[core.SPAN.events],
      }));
      expect(spans).toEqual(new OracleHistory(inputs).sessions);
    }),
    run(1_000),
  );
});

const NO_CLOCKS = { 'web-events': 0, orders: 0, customers: 0, 'customer-commands': 0, 'customer-mail': 0 };

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length <= 1) return [[...list]];
  return list.flatMap((first, at) =>
    permutations([...list.slice(0, at), ...list.slice(at + 1)]).map(rest => [first, ...rest]),
  );
}
