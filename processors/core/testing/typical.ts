/** A customer of a stated activity, for measuring what one takes. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas';
import type { EpochMs } from '../../../schemas';
import { DEFAULT_SETTINGS, fold, newCustomer, nextWake } from '..';
import type { Customer, CustomerInput } from '..';
import { activity, order, tick } from './inputs';

const END = Date.UTC(2026, 5, 1, 12);
const DAYS = 90;
const NAMES = ['page', 'Product Viewed', 'page', 'Product Added', 'page', 'Signed In'];

/** `scale` 1: five sessions a week of six events, one order a month, over 90 days until `end`, with its ticks. */
export function typicalCustomer(scale: number, end: EpochMs = END): Customer {
  const customer = newCustomer('customer-0001');
  for (const input of inputs(scale, end)) {
    tickThrough(customer, input.recordAt);
    fold(customer, input, clocksAt(input.recordAt), DEFAULT_SETTINGS, []);
  }
  tickThrough(customer, end);
  return customer;
}

function inputs(scale: number, end: EpochMs): CustomerInput[] {
  const list: CustomerInput[] = [];
  const sessions = Math.round((DAYS / 7) * 5 * scale);
  for (let session = 0; session < sessions; session++) {
    const start = end - DAYS * DAY_MS + Math.floor(((session + 0.3) * DAYS * DAY_MS) / sessions);
    for (let event = 0; event < 6; event++)
      list.push(
        activity(start + event * 4 * MINUTE_MS + session * 137, {
          messageId: `message-${session}-${event}`,
          name: NAMES[event]!,
          page: `/products/${(session * 7 + event) % 90}`,
          mobile: session % 2 === 0,
        }),
      );
  }
  const orders = Math.round((DAYS / 30) * scale);
  for (let number = 0; number < orders; number++)
    list.push(
      order(end - DAYS * DAY_MS + Math.floor(((number + 0.5) * DAYS * DAY_MS) / orders) + HOUR_MS, {
        orderId: `order-${number}`,
        amountMinor: 2_000 + number * 137,
      }),
    );
  return list.sort((a, b) => a.recordAt - b.recordAt);
}

const clocksAt = (at: EpochMs) => ({
  'web-events': at,
  orders: at,
  customers: at,
  'customer-commands': at,
  'customer-mail': at,
});

function tickThrough(customer: Customer, until: EpochMs): void {
  for (
    let dueAt = nextWake(customer, DEFAULT_SETTINGS);
    dueAt < until;
    dueAt = nextWake(customer, DEFAULT_SETTINGS)
  )
    fold(customer, { ...tick(dueAt), customerId: customer.id }, clocksAt(dueAt), DEFAULT_SETTINGS, []);
}
