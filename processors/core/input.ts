/** From a decoded record to an input of the core: identity, time, money, and which kind of input it is. */
import type {
  CustomerCommand,
  CustomerMail,
  CustomerProfile,
  EpochMs,
  InputTopic,
  MailOrigin,
  MinorUnits,
  OrderEvent,
  OrderFields,
  OrderKind,
  TrackerIdentity,
  TrackerTimes,
  WebEvent,
  WireInputs,
} from '../../schemas';
import { dayOf } from '../../schemas';
import { isoDate } from './calendar';
import { cutText } from './bytes';
import { resolveEventTime } from './event-time';
import type { EventTime } from './event-time';
import { LIMIT } from './facts';
import { REFUSED_IDS, checkId, customerIdOf, refuse } from './identity';
import type { Refusal } from './identity';
import type { CustomerInput, InputSource } from './types';

/** Major units of the shop's currency per major unit of another, from a UTC day on. */
export interface ExchangeRate {
  currency: string;
  from: EpochMs;
  rate: number;
}

export interface InputRules {
  /** ISO 4217 code that the shop scores in. */
  currency: string;
  /** Of other currencies, sorted by `from`; without one for its day an amount is refused. */
  rates: readonly ExchangeRate[];
  /** Lower-case ids that stand for nobody. */
  refusedIds: ReadonlySet<string>;
}

export const DEFAULT_RULES: InputRules = { currency: 'USD', rates: [], refusedIds: new Set(REFUSED_IDS) };

export interface RecordPlace {
  recordAt: EpochMs;
  source: InputSource;
  mailedFrom: MailOrigin | null;
}

export type InputReading = { ok: true; input: CustomerInput } | Refusal;

/** Order names are orders wherever they are read: they make no session and do not count as web events. */
export const ORDER_NAMES: Readonly<Record<string, OrderKind>> = Object.assign(Object.create(null) as object, {
  'Order Completed': 'completed',
  'Order Updated': 'updated',
  'Order Refunded': 'refunded',
  'Order Cancelled': 'cancelled',
} satisfies Record<string, OrderKind>);

const MOBILE_DEVICES: ReadonlySet<string> = new Set(['ios', 'android', 'mobile', 'tablet']);

/** A forwarded mail must be unwrapped by the caller, who knows the codec: see `CustomerMail.forwarded`. */
export function readInput<T extends InputTopic>(
  topic: T,
  value: WireInputs[T],
  place: RecordPlace,
  rules: InputRules,
): InputReading {
  switch (topic) {
    case 'web-events':
      return readWebEvent(value as WebEvent, place, rules);
    case 'orders':
      return readOrderEvent(value as OrderEvent, place, rules);
    case 'customers':
      return readProfile(value as CustomerProfile, place, rules);
    case 'customer-commands':
      return readCommand(value as CustomerCommand, place, rules);
    default:
      return readMail(value as CustomerMail, place, rules);
  }
}

interface Head {
  customerId: string;
  messageId: string;
  time: EventTime;
}

function readHead(
  value: TrackerIdentity & TrackerTimes,
  place: RecordPlace,
  rules: InputRules,
): Head | Refusal {
  const who = customerIdOf(value.userId, value.anonymousId, rules.refusedIds);
  if (!who.ok) return who;
  if (value.messageId === '')
    return refuse('missing-message-id', 'messageId is empty. Send a unique id with every message.');
  const time = resolveEventTime(value, place.recordAt);
  if (time === null)
    return refuse(
      'time-before-floor',
      'timestamp lies before 1990-01-01. Send milliseconds or an ISO 8601 time.',
    );
  return { customerId: who.customerId, messageId: value.messageId, time };
}

const messageOf = (head: Head, place: RecordPlace) => ({
  customerId: head.customerId,
  recordAt: place.recordAt,
  source: place.source,
  mailedFrom: place.mailedFrom,
  messageId: head.messageId,
  eventAt: head.time.eventAt,
  clockAhead: head.time.clockAhead,
});

function readWebEvent(value: WebEvent, place: RecordPlace, rules: InputRules): InputReading {
  const head = readHead(value, place, rules);
  if ('ok' in head) return head;
  if (value.type === 'identify') return identify(value, head, place);
  const action = value.event === null ? undefined : ORDER_NAMES[value.event];
  if (action !== undefined) return orderInput(action, value.order, head, place, rules);
  const { rating, sentiment } = value;
  if (rating !== null && !(rating >= 1 && rating <= 5))
    return refuse('out-of-range', `rating is ${rating}; send a number from 1 to 5.`);
  if (sentiment !== null && !(sentiment >= -1 && sentiment <= 1))
    return refuse('out-of-range', `sentiment is ${sentiment}; send a number from -1 to 1.`);
  const target = value.targetUserId;
  const fault = target === null ? null : checkId('targetUserId', target, rules.refusedIds);
  if (fault !== null) return fault;
  const input: CustomerInput = {
    kind: 'activity',
    ...messageOf(head, place),
    name: value.type === 'track' ? cutText(value.event ?? '', LIMIT.textBytes) : value.type,
    mobile: isMobile(value),
    page: value.page,
    targetUserId: target,
    liked: value.liked === true,
    ratingHundredths: rating === null ? null : Math.round(rating * 100),
    sentimentMillionths: sentiment === null ? null : Math.round(sentiment * 1e6) + 0,
  };
  return { ok: true, input };
}

const isMobile = ({ type, deviceType, channel }: WebEvent): boolean =>
  type === 'screen' ||
  (deviceType !== null && MOBILE_DEVICES.has(deviceType.toLowerCase())) ||
  channel?.toLowerCase() === 'mobile';

function identify(value: WebEvent, head: Head, place: RecordPlace): InputReading {
  const fields = value.traits ?? NO_TRAITS;
  const fault = checkTraits(fields);
  if (fault !== null) return fault;
  const anonymousId = value.userId === null ? null : value.anonymousId;
  return { ok: true, input: { kind: 'profile', ...messageOf(head, place), fields, anonymousId } };
}

const NO_TRAITS: CustomerProfile['traits'] = {
  createdAt: null,
  accountType: null,
  location: null,
  profileCompleteness: null,
  skills: null,
  ageBand: null,
  gender: null,
};

function checkTraits({ createdAt, profileCompleteness, skills }: CustomerProfile['traits']): Refusal | null {
  if (createdAt !== null && !Number.isSafeInteger(createdAt))
    return refuse(
      'out-of-range',
      'traits.createdAt is not an instant. Send an ISO 8601 time or milliseconds.',
    );
  if (profileCompleteness !== null && !(profileCompleteness >= 0 && profileCompleteness <= 100))
    return refuse(
      'out-of-range',
      `traits.profileCompleteness is ${profileCompleteness}; send a number from 0 to 100.`,
    );
  if (skills !== null && !(skills >= 0 && skills <= 1e6))
    return refuse('out-of-range', `traits.skills is ${skills}; send the list of skills or their number.`);
  return null;
}

function readProfile(value: CustomerProfile, place: RecordPlace, rules: InputRules): InputReading {
  const head = readHead(value, place, rules);
  if ('ok' in head) return head;
  const fault = checkTraits(value.traits);
  if (fault !== null) return fault;
  return {
    ok: true,
    input: { kind: 'profile', ...messageOf(head, place), fields: value.traits, anonymousId: null },
  };
}

function readOrderEvent(value: OrderEvent, place: RecordPlace, rules: InputRules): InputReading {
  const head = readHead(value, place, rules);
  return 'ok' in head ? head : orderInput(value.kind, value.order, head, place, rules);
}

function orderInput(
  action: OrderKind,
  order: OrderFields | null,
  head: Head,
  place: RecordPlace,
  rules: InputRules,
): InputReading {
  if (order === null || order.orderId === '')
    return refuse(
      'missing-order',
      'properties.order_id is missing. Send the order id with every order event.',
    );
  const stated = amountOf(order);
  if (stated === null && action === 'completed')
    return refuse(
      'missing-amount',
      'properties.revenue is missing, and so are subtotal and total. Send one of them.',
    );
  const amountMinor = stated === null ? null : convert(stated, order.currency, head.time.eventAt, rules);
  if (amountMinor !== null && typeof amountMinor === 'object') return amountMinor;
  return {
    ok: true,
    input: { kind: 'order', ...messageOf(head, place), action, orderId: order.orderId, amountMinor },
  };
}

/** `revenue`, else `subtotal`, else `total - shipping - tax`. */
function amountOf(order: OrderFields): MinorUnits | null {
  if (order.revenueMinor !== null) return order.revenueMinor;
  if (order.subtotalMinor !== null) return order.subtotalMinor;
  return order.totalMinor === null
    ? null
    : order.totalMinor - (order.shippingMinor ?? 0) - (order.taxMinor ?? 0);
}

function convert(
  minor: MinorUnits,
  currency: string | null,
  at: EpochMs,
  rules: InputRules,
): MinorUnits | Refusal {
  if (currency === null || currency === rules.currency) return minor;
  const day = dayOf(at);
  const rate = rules.rates.findLast(entry => entry.currency === currency && dayOf(entry.from) <= day);
  if (rate === undefined)
    return refuse(
      'unknown-currency',
      `properties.currency is ${currency}, the shop scores in ${rules.currency}, and the settings have no rate for ${isoDate(at)}. Add one under rates.`,
    );
  return Math.round(minor * rate.rate) + 0;
}

function readCommand(value: CustomerCommand, place: RecordPlace, rules: InputRules): InputReading {
  const id = value.customerId;
  const bare = id.startsWith('anon:') ? id.slice(5) : id;
  const fault = checkId('customerId', bare, rules.refusedIds);
  if (fault !== null) return fault;
  const base = {
    customerId: id,
    recordAt: place.recordAt,
    source: place.source,
    mailedFrom: place.mailedFrom,
  };
  switch (value.kind) {
    case 'tick':
      if (value.dueAt === null)
        return refuse('malformed-command', 'dueAt is missing from a tick. Send the instant that was due.');
      return { ok: true, input: { kind: 'tick', ...base, dueAt: value.dueAt } };
    case 'rescore':
      return { ok: true, input: { kind: 'rescore', ...base, cause: value.cause ?? 'command' } };
    case 'erase':
      return { ok: true, input: { kind: 'erase', ...base } };
    case 'attributes':
      return attributes(value, base);
  }
}

function attributes(
  value: CustomerCommand,
  base: Pick<CustomerInput, 'customerId' | 'recordAt' | 'source' | 'mailedFrom'>,
): InputReading {
  const { computedAt, networkCentrality, avgConnectionStrength } = value;
  if (computedAt === null)
    return refuse(
      'malformed-command',
      'computedAt is missing from attributes. Send when the batch computed them.',
    );
  for (const number of [networkCentrality, avgConnectionStrength])
    if (number !== null && !Number.isFinite(number))
      return refuse('out-of-range', 'attributes hold a number that is not finite. Leave unknown ones out.');
  return {
    ok: true,
    input: { kind: 'attributes', ...base, computedAt, networkCentrality, avgConnectionStrength },
  };
}

function readMail(value: CustomerMail, place: RecordPlace, rules: InputRules): InputReading {
  const fault = checkId('customerId', value.customerId.replace(/^anon:/, ''), rules.refusedIds);
  if (fault !== null) return fault;
  if (value.interaction === null) return refuse('malformed-mail', 'the mail holds no interaction.');
  const { name, eventAt, ratingHundredths } = value.interaction;
  const { recordAt } = value.origin;
  return {
    ok: true,
    input: {
      kind: 'received',
      customerId: value.customerId,
      recordAt,
      source: place.source,
      mailedFrom: value.origin,
      name,
      eventAt: Math.min(eventAt, recordAt),
      ratingHundredths,
    },
  };
}
