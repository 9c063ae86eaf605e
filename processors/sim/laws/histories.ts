/**
 * Histories of one customer for the laws: a broad generator, and one that aims at edges (windows, horizons, midnights,
 * the gap ± 1 ms, long chains, ages where a step widens, ties at one instant).
 */
import fc from 'fast-check';
import type { EpochMs, InputTopic } from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas';
import type { CustomerInput, OrderInput, ProfileInput } from '../../core';

export interface History {
  /** Distinct inputs, in the order of their record timestamps. */
  inputs: CustomerInput[];
  /** At or after the newest of them. */
  asOf: EpochMs;
  /** Another order of processing. */
  order: number[];
  /** After which inputs the customer is stored and loaded again. */
  cuts: boolean[];
  /** Copies of some inputs, up to 48 hours later. */
  copies: { of: number; afterMs: number }[];
}

/** Where every history ends, about: a Sunday, so that weekends are inside. */
const END = Date.UTC(2026, 2, 1, 13, 20);
const KNOWN_AT = END;

const OWN = [
  'page',
  'screen',
  'Product Viewed',
  'Product Added',
  'Checkout Started',
  'Post Created',
  'Comment Created',
  'Post Shared',
  'Message Sent',
  'Profile Swiped',
  'User Followed',
  'User Unfollowed',
  'Connection Accepted',
  'Connection Removed',
  'Gig Application Submitted',
  'Signed In',
  'Something Else',
];
const RECEIVED = [
  'Post Liked',
  'Comment Created',
  'Post Shared',
  'Profile Viewed',
  'User Followed',
  'User Unfollowed',
  'Connection Accepted',
  'Connection Removed',
  'Gig Application Submitted',
  'Gig Hired',
  'Gig Completed',
  'Gig Cancelled',
  'Gig Rated',
];
const ACTIONS: OrderInput['action'][] = ['completed', 'completed', 'updated', 'refunded', 'cancelled'];

/** One thing that happened: when, what, and how late it was heard of. */
interface Happening {
  at: EpochMs;
  what: number;
  variant: number;
  delayMs: number;
}

const topicOf: Record<CustomerInput['kind'], InputTopic> = {
  activity: 'web-events',
  order: 'orders',
  profile: 'customers',
  attributes: 'customer-commands',
  received: 'customer-mail',
  tick: 'customer-commands',
  rescore: 'customer-commands',
  erase: 'customer-commands',
};

function inputOf({ at, what, variant, delayMs }: Happening, index: number): CustomerInput {
  const kind = (
    ['activity', 'activity', 'activity', 'order', 'order', 'received', 'profile', 'attributes'] as const
  )[what % 8]!;
  const recordAt = Math.min(at + delayMs, KNOWN_AT + 10 * DAY_MS);
  const source = { topic: topicOf[kind], partition: 0, offset: index, index: 0 };
  const base = { customerId: 'c1', recordAt, source, mailedFrom: null };
  const message = { ...base, messageId: `m${index}`, eventAt: at, clockAhead: false };
  switch (kind) {
    case 'activity':
      return {
        ...message,
        kind,
        name: OWN[variant % OWN.length]!,
        mobile: variant % 3 === 0,
        page: variant % 2 === 0 ? `/p${variant % 5}` : null,
        targetUserId: null,
        liked: variant % 2 === 0,
        ratingHundredths: null,
        sentimentMillionths: variant % 4 === 0 ? null : (variant * 7919) % 1_000_001,
      };
    case 'order':
      return {
        ...message,
        kind,
        action: ACTIONS[variant % ACTIONS.length]!,
        orderId: `o${variant % 4}`,
        amountMinor: variant % 7 === 3 ? null : ((variant * 131) % 20) * 250,
      };
    case 'received': {
      const mailedFrom = { topic: 'web-events' as const, partition: 1, offset: index, index: 0, recordAt };
      const name = RECEIVED[variant % RECEIVED.length]!;
      const ratingHundredths = variant % 5 === 0 ? null : 100 + ((variant * 37) % 401);
      return { ...base, mailedFrom, kind, name, eventAt: at, ratingHundredths };
    }
    case 'profile':
      return { ...message, kind, fields: fieldsOf(variant), anonymousId: null };
    case 'attributes':
      return {
        ...base,
        kind,
        computedAt: at,
        networkCentrality: variant % 3 === 0 ? null : (variant % 10) / 10,
        avgConnectionStrength: variant % 4 === 0 ? null : (variant % 7) / 7,
      };
  }
}

const fieldsOf = (variant: number): ProfileInput['fields'] => ({
  createdAt: variant % 3 === 0 ? Date.UTC(2016 + (variant % 11), variant % 12, 28 + (variant % 4)) : null,
  accountType: ([null, 'free', 'premium', 'enterprise'] as const)[variant % 4]!,
  location: null,
  profileCompleteness: variant % 2 === 0 ? variant % 101 : null,
  skills: variant % 5 === 0 ? null : variant % 30,
  ageBand: null,
  gender: null,
});

interface Shape {
  happenings: Happening[];
  laterMs: number;
  order: number;
  cuts: boolean[];
  copies: { of: number; afterMs: number }[];
}

function historyOf({ happenings, laterMs, order, cuts, copies }: Shape): History {
  const inputs = happenings
    .map(inputOf)
    .sort((a, b) => a.recordAt - b.recordAt || a.source.offset - b.source.offset);
  const newest = inputs.reduce((latest, { recordAt }) => Math.max(latest, recordAt), 0);
  return {
    inputs,
    asOf: newest + laterMs,
    order: shuffled(inputs.length, order),
    cuts,
    copies: inputs.length === 0 ? [] : copies.map(copy => ({ ...copy, of: copy.of % inputs.length })),
  };
}

/** A permutation from a number: every order of a few inputs comes up. */
function shuffled(length: number, from: number): number[] {
  const order = Array.from({ length }, (_, index) => index);
  let state = from >>> 0;
  for (let at = length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

const shape = (happening: fc.Arbitrary<Happening>, laterMs: fc.Arbitrary<number>): fc.Arbitrary<History> =>
  fc
    .record({
      happenings: fc.array(happening, { minLength: 1, maxLength: 22 }),
      laterMs,
      order: fc.nat(),
      cuts: fc.array(fc.boolean(), { maxLength: 22 }),
      copies: fc.array(fc.record({ of: fc.nat(30), afterMs: fc.integer({ min: 0, max: 48 * HOUR_MS }) }), {
        maxLength: 5,
      }),
    })
    .map(historyOf);

const anyDelay = fc.oneof(fc.constant(0), fc.nat(5 * MINUTE_MS), fc.nat(3 * DAY_MS), fc.nat(100 * DAY_MS));

export const broadHistory: fc.Arbitrary<History> = shape(
  fc.record({
    at: fc.integer({ min: END - 120 * DAY_MS, max: END }),
    what: fc.nat(7),
    variant: fc.nat(400),
    delayMs: anyDelay,
  }),
  fc.oneof(fc.constant(0), fc.nat(2 * DAY_MS), fc.nat(130 * DAY_MS)),
);

const EDGE_DAYS = [
  0, 1, 2, 6, 7, 8, 9, 29, 30, 31, 32, 34, 35, 36, 37, 38, 89, 90, 91, 92, 93, 94, 364, 365, 366, 367, 395,
  396, 1_459, 1_460, 1_461, 1_462,
];
const EDGE_MS = [-1, 0, 1];
const MIDNIGHT = Math.floor(END / DAY_MS) * DAY_MS;
/** Steps of a chain of events: sessions that just hold together, and ones that just do not. */
const CHAIN_MS = [30 * MINUTE_MS - 1, 30 * MINUTE_MS, 30 * MINUTE_MS + 1, 60 * MINUTE_MS, 60 * MINUTE_MS + 1];

const edgeInstant: fc.Arbitrary<EpochMs> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EDGE_DAYS), fc.constantFrom(...EDGE_MS))
    .map(([days, ms]) => MIDNIGHT - days * DAY_MS + ms),
  fc
    .tuple(fc.constantFrom(0, 7, 30), fc.nat(4), fc.constantFrom(...CHAIN_MS))
    .map(([days, step, ms]) => MIDNIGHT - days * DAY_MS - 2 * HOUR_MS + step * ms),
  // Ties.
  fc.constantFrom(MIDNIGHT - 3 * DAY_MS, MIDNIGHT - 31 * DAY_MS),
);

export const edgeHistory: fc.Arbitrary<History> = shape(
  fc.record({
    at: edgeInstant,
    what: fc.nat(7),
    variant: fc.nat(40),
    delayMs: fc.oneof(fc.constant(0), fc.constantFrom(1, HOUR_MS, 2 * DAY_MS, 35 * DAY_MS, 93 * DAY_MS)),
  }),
  fc
    .tuple(fc.constantFrom(...EDGE_DAYS), fc.constantFrom(0, 0, 1, DAY_MS - 1))
    .map(([days, ms]) => days * DAY_MS + ms),
);
