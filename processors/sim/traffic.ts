/** What producers send in a simulation: honest, late, repeated, keyed wrongly, and poison. */
import type {
  CustomerCommand,
  EpochMs,
  InputTopic,
  OrderEvent,
  OrderFields,
  ProfileFields,
  WebEvent,
} from '../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../schemas';
import type { WireCodec } from '../ports';
import type { Random } from './random';

export interface Sent {
  at: EpochMs;
  topic: InputTopic;
  key: string;
  value: Uint8Array;
}

export interface TrafficPlan {
  random: Random;
  codec: WireCodec;
  customers: readonly string[];
  startAt: EpochMs;
  endAt: EpochMs;
  /** Sessions, orders and the rest, about. */
  occasions: number;
  /** Events of one customer within one minute; 0: nobody is that busy. */
  flood: number;
  erasures: boolean;
  /** False: nobody does anything to another, sessions instead. */
  interactions?: boolean;
  /** Before every message id: traffic of another run is no duplicate of this one. */
  messagePrefix?: string;
}

const NO_TIMES = { originalTimestamp: null, sentAt: null, receivedAt: null };
const NO_TRAITS: ProfileFields = {
  createdAt: null,
  accountType: null,
  location: null,
  profileCompleteness: null,
  skills: null,
  ageBand: null,
  gender: null,
};
const NO_EVENT: Omit<WebEvent, 'messageId' | 'userId' | 'timestamp'> = {
  ...NO_TIMES,
  anonymousId: null,
  type: 'page',
  event: null,
  page: null,
  deviceType: null,
  channel: null,
  sessionId: null,
  targetUserId: null,
  liked: null,
  rating: null,
  sentiment: null,
  order: null,
  traits: null,
  properties: {},
  truncated: false,
};
const SOCIAL = ['Post Liked', 'User Followed', 'User Unfollowed', 'Gig Rated', 'Gig Hired', 'Profile Viewed'];
const TRACKS = ['Product Viewed', 'Product Added', 'Checkout Started', 'Signed In', 'Something Else'];

/** A name that JavaScript treats in its own way. */
const POLLUTED = Object.fromEntries([['__proto__', 'x']]);
/** The length of a string in Avro: more than there is in the world. */
const HUGE = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

/** In the order of `at`. */
export function makeTraffic(plan: TrafficPlan): Sent[] {
  const sent: Sent[] = [];
  const traffic = new Traffic(plan, sent);
  for (let occasion = 0; occasion < plan.occasions; occasion++) traffic.occasion();
  if (plan.flood > 0) traffic.flood(plan.flood);
  traffic.repeat();
  return sent.sort((a, b) => a.at - b.at);
}

class Traffic {
  private messages = 0;

  constructor(
    private readonly plan: TrafficPlan,
    private readonly sent: Sent[],
  ) {}

  private nextId(kind: string): string {
    return `${this.plan.messagePrefix ?? ''}${kind}${++this.messages}`;
  }

  private instant(): EpochMs {
    const { random, startAt, endAt } = this.plan;
    const at = startAt + random.int(endAt - startAt);
    // Midnights are where things happen.
    return random.chance(0.05) ? Math.floor(at / DAY_MS) * DAY_MS + random.pick([-1, 0, 1]) : at;
  }

  occasion(): void {
    const { random, customers } = this.plan;
    const customer = random.pick(customers);
    const at = this.instant();
    const dice = random.next();
    if (dice < 0.45) this.session(customer, at);
    else if (dice < 0.6) this.order(customer, at);
    else if (dice < 0.72) this.social(customer, at);
    else if (dice < 0.8) this.late(customer, at);
    else if (dice < 0.86) this.profile(customer, at);
    else if (dice < 0.9) this.wrongClock(customer, at);
    else if (dice < 0.94) this.command(customer, at);
    else this.poison(customer, at);
  }

  private event(customer: string, at: EpochMs, more: Partial<WebEvent> = {}, key = customer): void {
    const event: WebEvent = {
      ...NO_EVENT,
      messageId: this.nextId('m'),
      userId: customer.startsWith('anon:') ? null : customer,
      anonymousId: customer.startsWith('anon:') ? customer.slice(5) : null,
      timestamp: at,
      ...more,
    };
    const value = this.plan.codec.encodeInput('web-events', event);
    this.sent.push({ at, topic: 'web-events', key, value });
  }

  private session(customer: string, start: EpochMs): void {
    const { random, customers } = this.plan;
    let at = start;
    // Trackers often key by another id than the customer's.
    const key = random.chance(0.1) ? random.pick(customers) : customer;
    for (let left = random.between(1, 6); left > 0; left--) {
      const name = random.chance(0.5) ? null : random.pick(TRACKS);
      // Late by hours, so that the ones around it were two sessions for a while.
      const arrivesAt = random.chance(0.12) ? at + random.int(30 * HOUR_MS) : at;
      const event = { type: name === null ? ('page' as const) : ('track' as const), event: name, page: '/p' };
      this.event(customer, arrivesAt, { ...event, timestamp: at }, key);
      at += random.chance(0.1)
        ? 30 * MINUTE_MS + random.pick([-1, 0, 1])
        : random.between(SECOND_MS, 24 * MINUTE_MS);
    }
  }

  private social(customer: string, at: EpochMs): void {
    const { random, customers, interactions = true } = this.plan;
    if (!interactions) return this.session(customer, at);
    const targetUserId = random.pick(customers.filter(id => !id.startsWith('anon:')));
    const rating = random.between(1, 5);
    this.event(customer, at, { type: 'track', event: random.pick(SOCIAL), targetUserId, rating });
  }

  private order(customer: string, at: EpochMs): void {
    if (customer.startsWith('anon:')) return this.session(customer, at);
    const { random } = this.plan;
    const order: OrderFields = {
      orderId: `order-${random.int(60)}`,
      revenueMinor: random.between(100, 9_000),
      subtotalMinor: null,
      totalMinor: null,
      shippingMinor: null,
      taxMinor: null,
      currency: null,
    };
    const kind = random.pick(['completed', 'completed', 'completed', 'updated', 'refunded', 'cancelled']);
    const body: OrderEvent = {
      ...NO_TIMES,
      messageId: this.nextId('o'),
      userId: customer,
      anonymousId: null,
      timestamp: at,
      kind: kind as OrderEvent['kind'],
      order,
    };
    const value = this.plan.codec.encodeInput('orders', body);
    this.sent.push({ at, topic: 'orders', key: customer, value });
  }

  private late(customer: string, at: EpochMs): void {
    if (customer.startsWith('anon:')) return this.session(customer, at);
    const { random } = this.plan;
    const lateness = random.pick([
      random.int(2 * HOUR_MS),
      random.int(3 * DAY_MS),
      random.int(40 * DAY_MS),
      random.int(100 * DAY_MS),
    ]);
    this.event(customer, at, { timestamp: at - lateness });
  }

  private wrongClock(customer: string, at: EpochMs): void {
    const { random } = this.plan;
    if (random.chance(0.3)) this.event(customer, at, { timestamp: Date.UTC(1980, 0, 1) });
    else this.event(customer, at, { timestamp: at + random.int(2 * DAY_MS) });
  }

  private profile(customer: string, at: EpochMs): void {
    const { random, codec } = this.plan;
    const traits: ProfileFields = {
      ...NO_TRAITS,
      accountType: random.pick(['free', 'premium', 'enterprise']),
      profileCompleteness: random.int(101),
    };
    if (customer.startsWith('anon:') || random.chance(0.4))
      return this.event(customer, at, { type: 'identify', traits });
    const body = { ...NO_TIMES, messageId: this.nextId('p'), userId: customer, anonymousId: null };
    const value = codec.encodeInput('customers', { ...body, timestamp: at, traits });
    this.sent.push({ at, topic: 'customers', key: customer, value });
  }

  private command(customerId: string, at: EpochMs): void {
    const { random, codec, erasures } = this.plan;
    const dice = random.next();
    const none = { dueAt: null, cause: null, networkCentrality: null, avgConnectionStrength: null };
    let command: CustomerCommand = { ...none, customerId, kind: 'rescore', computedAt: null };
    if (erasures && dice < 0.25) command = { ...command, kind: 'erase' };
    else if (dice < 0.6)
      command = { ...command, kind: 'attributes', networkCentrality: random.next(), computedAt: at };
    else command = { ...command, cause: 'command' };
    const value = codec.encodeInput('customer-commands', command);
    this.sent.push({ at, topic: 'customer-commands', key: customerId, value });
  }

  private poison(customer: string, at: EpochMs): void {
    const { random } = this.plan;
    const topic = random.pick(['web-events', 'orders', 'customers'] as const);
    const noise = Uint8Array.from({ length: random.int(40) }, () => random.int(256));
    const dice = random.next();
    if (dice < 0.3) this.sent.push({ at, topic, key: customer, value: noise });
    else if (dice < 0.6) this.sent.push({ at, topic, key: customer, value: random.pick(this.spoilt(noise)) });
    else if (dice < 0.7) this.event(customer, at, { properties: { ...POLLUTED } });
    else this.event('guest', at, {}, customer);
  }

  /** An honest event in each way that it can go bad; streams/integrity/poison.test.ts has more, on a real broker. */
  private spoilt(noise: Uint8Array): Uint8Array[] {
    const event = { ...NO_EVENT, messageId: this.nextId('m'), userId: 'kim-0', timestamp: 0 };
    const honest = this.plan.codec.encodeInput('web-events', event);
    const spoiltAt = (at: number, byte: number): Uint8Array =>
      honest.map((old, index) => (index === at ? byte : old));
    return [
      new Uint8Array(0),
      spoiltAt(0, 9), // the magic byte
      spoiltAt(1, 0x7f), // a schema id that nobody knows
      honest.subarray(0, honest.length - 3),
      Uint8Array.from([...honest, ...noise, 0]),
      Uint8Array.from([...honest.subarray(0, 5), ...HUGE]),
    ];
  }

  /** One customer, very many events within a minute. */
  flood(events: number): void {
    const { random, customers } = this.plan;
    const customer = random.pick(customers);
    const start = this.instant();
    for (let event = 0; event < events; event++) this.event(customer, start + random.int(MINUTE_MS));
  }

  /** Copies of what was sent, hours later. */
  repeat(): void {
    const { random, endAt } = this.plan;
    for (const original of [...this.sent]) {
      if (original.topic === 'customer-commands' || !random.chance(0.1)) continue;
      const at = original.at + random.int(random.chance(0.8) ? HOUR_MS : 20 * HOUR_MS);
      if (at < endAt) this.sent.push({ ...original, at });
    }
  }
}
