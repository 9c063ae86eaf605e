/** One message of every topic with something in every field: what the frozen messages hold. */
import type { WebEvent, WireInputs, WireOutputs } from '../../schemas';

const identity = { messageId: 'm-1', userId: 'kim', anonymousId: 'visitor-7' };
const times = {
  timestamp: null,
  originalTimestamp: 1_767_225_600_000,
  sentAt: 1_767_225_601_000,
  receivedAt: 1_767_225_602_000,
};
const order = {
  orderId: 'o-1',
  revenueMinor: 12_345,
  subtotalMinor: null,
  totalMinor: 13_000,
  shippingMinor: 500,
  taxMinor: 155,
  currency: 'USD',
};
const traits = {
  createdAt: 1_700_000_000_000,
  accountType: 'premium',
  location: 'urban',
  profileCompleteness: 87.5,
  skills: 3,
  ageBand: '30-39',
  gender: 'f',
} as const;

export const INPUT_SAMPLES: WireInputs = {
  'web-events': {
    ...identity,
    ...times,
    type: 'track',
    event: 'Order Completed',
    page: '/checkout',
    deviceType: 'ios',
    channel: 'mobile',
    sessionId: 's-1',
    targetUserId: 'lee',
    liked: true,
    rating: 4.5,
    sentiment: -0.25,
    order,
    traits,
    properties: { coupon: 'SPRING' },
    truncated: false,
  },
  orders: { ...identity, ...times, kind: 'refunded', order },
  customers: { ...identity, ...times, traits },
  'customer-commands': {
    customerId: 'kim',
    kind: 'attributes',
    dueAt: 1_767_225_600_000,
    cause: 'model',
    networkCentrality: 0.5,
    avgConnectionStrength: 0.25,
    computedAt: 1_767_225_600_000,
  },
  'customer-mail': {
    customerId: 'lee',
    origin: { topic: 'web-events', partition: 3, offset: 42, index: 1, recordAt: 1_767_225_602_000 },
    interaction: { name: 'Gig Rated', eventAt: 1_767_225_600_000, ratingHundredths: 450 },
    forwarded: { topic: 'orders', value: Uint8Array.from([0, 1, 2]) },
  },
};

const source = { topic: 'web-events' as const, partition: 3, offset: 42 };

/** A page view that says nothing else: for whoever makes many. */
export const PAGE_VIEW: WebEvent = {
  ...INPUT_SAMPLES['web-events'],
  type: 'page',
  event: null,
  anonymousId: null,
  order: null,
  traits: null,
  targetUserId: null,
  rating: null,
  sentiment: null,
};

export const OUTPUT_SAMPLES: WireOutputs = {
  'engagement-scores': {
    customerId: 'kim',
    asOf: 1_767_225_600_000,
    validUntil: 1_767_312_000_000,
    cause: 'tick',
    epoch: 2,
    sequence: 17,
    engagement: 0.25,
    churn30d: 0.75,
    ltvMinor: 123_456,
    currency: 'USD',
    rfm: { score: 0.5, recency: 0.25, frequency: 0.75, monetary: 1 },
    segment: 'medium',
    status: 'active',
    anomaly: 0.125,
    cluster: 'regulars',
    reasons: [{ model: 'churn', feature: 'last_login_days_ago', value: 12, contribution: 0.5 }],
    models: [{ name: 'churn', version: '20260101000000' }],
    layout: 'ab'.repeat(32),
    position: {
      partition: 3,
      'web-events': 43,
      orders: 5,
      customers: 6,
      'customer-commands': 7,
      'customer-mail': 8,
    },
    vectorHash: '0123456789abcdef',
    vector: [0.5, null, 12],
  },
  'engagement-alerts': {
    customerId: 'kim',
    kind: 'inactive',
    state: 'raised',
    since: 1_767_225_600_000,
    asOf: 1_767_225_600_000,
    alertId: '0123456789abcdef',
    scoreId: 'fedcba9876543210',
    sentence: 'No activity for more than 30 days.',
  },
  sessions: {
    customerId: 'kim',
    sessionId: 'kim:1767225600000',
    startAt: 1_767_225_600_000,
    endAt: 1_767_225_900_000,
    events: 6,
    pageViews: 3,
    productViews: 2,
    cartAdds: 1,
    checkouts: 0,
    entryPage: '/',
    exitPage: '/cart',
    revision: 2,
    supersedes: ['kim:1767225700000'],
  },
  'late-events': {
    customerId: 'kim',
    messageId: 'm-1',
    name: 'page',
    eventAt: 1_750_000_000_000,
    recordAt: 1_767_225_600_000,
    lateFor: 'days',
    lateByMs: 17_225_600_000,
    source,
  },
  'dead-letters': {
    source,
    origin: 'orders.csv:17',
    stage: 'decode',
    code: 'avro-magic',
    reason: 'The record does not begin with the magic byte 0.',
    bytes: Uint8Array.from([1, 2, 3]),
    size: 3,
    digest: 'cd'.repeat(32),
  },
};
