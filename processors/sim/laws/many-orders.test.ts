/**
 * Beyond 1,000 orders the oldest are folded into sums. Such a customer is outside the law of any order of arrival; but
 * when nothing comes late, no feature may show that anything was folded.
 */
import { DAY_MS, MINUTE_MS } from '../../../schemas';
import * as core from '../../core';
import type { OrderInput } from '../../core';
import { NO_CLOCKS, order } from '../../core/testing/inputs';
import { ask, oracleValidUntil, oracleVector } from '../oracle';
import { Random } from '../random';
import { hashOf } from './folding';

const FIRST_AT = Date.UTC(2020, 0, 1);
const ORDERS = 1_040;

function ordersInTurn(random: Random, meanGapMs: number, cancelled: number): OrderInput[] {
  const inputs: OrderInput[] = [];
  let at = FIRST_AT;
  for (let number = 0; number < ORDERS; number++) {
    at += MINUTE_MS + Math.floor(random.exponential(meanGapMs));
    const orderId = `o${number}`;
    const after = { recordAt: at, orderId };
    inputs.push(order(at, { ...after, messageId: `c${number}`, amountMinor: random.int(5_000) }));
    if (random.chance(cancelled))
      inputs.push(order(at, { ...after, messageId: `x${number}`, action: 'cancelled', amountMinor: null }));
    else if (random.chance(0.2)) {
      const amountMinor = random.chance(0.5) ? null : random.int(5_000);
      inputs.push(order(at, { ...after, messageId: `r${number}`, action: 'refunded', amountMinor }));
    }
  }
  return inputs;
}

test.each([
  ['some cancelled, two years', 0.6 * DAY_MS, 0.05],
  ['most cancelled, two years', 0.6 * DAY_MS, 0.6],
  ['a third cancelled, three weeks', 0.02 * DAY_MS, 0.3],
])('what is folded still counts in every feature: %s', (_name, meanGapMs, cancelled) => {
  const inputs = ordersInTurn(new Random(7), meanGapMs, cancelled);
  const customer = core.newCustomer('c1');
  for (const input of inputs)
    core.fold(customer, input, { ...NO_CLOCKS, orders: input.recordAt }, core.DEFAULT_SETTINGS, []);
  expect(customer.facts.saturated).toBe(2);
  const newest = inputs.at(-1)!.recordAt;
  for (const asOf of [newest, newest + 5 * DAY_MS, newest + 100 * DAY_MS]) {
    const question = ask(inputs, asOf, hashOf(core));
    const named = (vector: Float32Array) =>
      Object.fromEntries(core.FEATURE_NAMES.map((name, at) => [name, vector[at]]));
    expect(named(core.toVector(customer.facts, asOf))).toEqual(
      named(oracleVector(core.FEATURE_NAMES, question)),
    );
    expect(core.validUntil(customer.facts, asOf)).toBe(oracleValidUntil(question));
  }
});
