/** Short ways to say inputs in tests of the core. */
import type { EpochMs, InputTopic } from '../../../schemas';
import type { ActivityInput, OrderInput, ScoringConstants, TickInput, TopicClocks } from '../types';

export const NO_CLOCKS: TopicClocks = {
  'web-events': 0,
  orders: 0,
  customers: 0,
  'customer-commands': 0,
  'customer-mail': 0,
};

let offset = 0;
const base = (topic: InputTopic, recordAt: EpochMs) => ({
  customerId: 'c1',
  recordAt,
  source: { topic, partition: 0, offset: offset++, index: 0 },
  mailedFrom: null,
});

export const activity = (eventAt: EpochMs, more: Partial<ActivityInput> = {}): ActivityInput => ({
  ...base('web-events', eventAt),
  kind: 'activity',
  messageId: `m${offset}`,
  eventAt,
  clockAhead: false,
  name: 'page',
  mobile: false,
  page: null,
  targetUserId: null,
  liked: false,
  ratingHundredths: null,
  sentimentMillionths: null,
  ...more,
});

export const order = (eventAt: EpochMs, more: Partial<OrderInput> = {}): OrderInput => ({
  ...base('orders', eventAt),
  kind: 'order',
  messageId: `o${offset}`,
  eventAt,
  clockAhead: false,
  action: 'completed',
  orderId: `order-${offset}`,
  amountMinor: 1_000,
  ...more,
});

export const tick = (dueAt: EpochMs): TickInput => ({
  ...base('customer-commands', dueAt),
  kind: 'tick',
  dueAt,
});

export const CONSTANTS: ScoringConstants = {
  models: [{ name: 'test', version: '1' }],
  layout: '0'.repeat(64),
  rfm: {
    daysSinceLastOrder: { min: 0, max: 100 },
    ordersLifetime: { min: 0, max: 10 },
    sessionsLast30Days: { min: 0, max: 20 },
    lnRevenueLifetime: { min: 0, max: 8 },
  },
  vipLtvMinor: 100_000,
};
