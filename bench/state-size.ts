/** Bytes of a stored customer, whole and by part: a part's size is what its absence saves. */
import { encodeCustomer } from '../processors/core';
import type { Customer } from '../processors/core';
import { typicalCustomer } from '../processors/core/testing/typical';

const without: Record<string, (customer: Customer) => void> = {
  sessions: ({ facts }) => facts.sessions.clear(),
  pages: ({ facts }) => void (facts.pages = []),
  days: ({ facts }) => facts.days.clear(),
  weeks: ({ facts }) => facts.weeks.clear(),
  orders: ({ facts }) => facts.orders.clear(),
  recentIds: ({ facts }) => facts.recentIds.clear(),
};

/** For five sessions a week, six events a session and an order a month over 90 days, and ten times that. */
export function stateSizes(): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [name, scale] of [
    ['typical', 1],
    ['tenfold', 10],
  ] as const) {
    const whole = encodeCustomer(typicalCustomer(scale)).length;
    figures[`state.${name}.bytes`] = whole;
    for (const [part, remove] of Object.entries(without)) {
      const customer = typicalCustomer(scale);
      remove(customer);
      figures[`state.${name}.bytes.${part}`] = whole - encodeCustomer(customer).length;
    }
  }
  return figures;
}
