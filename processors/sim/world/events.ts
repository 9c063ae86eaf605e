/** What a customer does on one day: sessions with their events, orders and what becomes of them, as wire messages. */
import type {
  CustomerId,
  EpochMs,
  OrderEvent,
  OrderFields,
  OrderKind,
  ProfileFields,
  WebEvent,
} from '../../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../schemas';
import type { Random } from '../random';
import { Random as Seeded } from '../random';
import { customerIdAt, ordersOn, sessionsOn, signedUpAtOf } from './latent';
import type { Latent } from './latent';
import type { WorldSettings } from './settings';
import { ORDER_SHAPE } from './spend';

/** Happened at `eventAt`; when it arrives is decided in arrivals.ts. */
export type Happening =
  | { topic: 'web-events'; eventAt: EpochMs; value: WebEvent }
  | { topic: 'orders'; eventAt: EpochMs; value: OrderEvent }
  | { topic: 'customers'; eventAt: EpochMs; value: WireProfile };
type WireProfile = { messageId: string; userId: string; anonymousId: null; traits: ProfileFields } & Times;
type Times = Pick<WebEvent, 'timestamp' | 'originalTimestamp' | 'sentAt' | 'receivedAt'>;

const UNKNOWN: Times = { timestamp: null, originalTimestamp: null, sentAt: null, receivedAt: null };
const NO_TRAITS: ProfileFields = {
  createdAt: null,
  accountType: null,
  location: null,
  profileCompleteness: null,
  skills: null,
  ageBand: null,
  gender: null,
};
const SOCIAL = [
  'Post Created',
  'Comment Created',
  'Post Liked',
  'Post Liked',
  'Post Shared',
  'Profile Viewed',
  'Profile Swiped',
  'User Followed',
  'User Unfollowed',
  'Connection Accepted',
  'Message Sent',
  'Gig Application Submitted',
  'Gig Hired',
  'Gig Completed',
  'Gig Rated',
] as const;
const BROWSING = [
  'Product Viewed',
  'Product Viewed',
  'Product List Viewed',
  'Products Searched',
  'Video Played',
];

/** Everything of one customer and day, in no order. */
export function dayOf(latent: Latent, midnightAt: EpochMs, settings: WorldSettings): Happening[] {
  const day = new Day(latent, midnightAt, settings);
  day.live();
  return day.happenings;
}

/** A third of the sessions has one event, half at most three, the mean is six. */
export function sessionLength(random: Random): number {
  const dice = random.next();
  if (dice < 1 / 3) return 1;
  if (dice < 0.56) return random.between(2, 3);
  return 4 + Math.floor(random.exponential(8));
}

/** What a day was made of. Where visits overlap, nobody outside the world can tell them apart. */
export interface Occasions {
  sessionsAt: EpochMs[];
  orders: { at: EpochMs; revenueMinor: number }[];
}

export function occasionsOf(latent: Latent, midnightAt: EpochMs, settings: WorldSettings): Occasions {
  const day = new Day(latent, midnightAt, settings);
  day.live();
  return day.occasions;
}

class Day {
  readonly happenings: Happening[] = [];
  readonly occasions: Occasions = { sessionsAt: [], orders: [] };
  private readonly random: Random;
  private messages = 0;

  constructor(
    private readonly latent: Latent,
    private readonly midnightAt: EpochMs,
    private readonly settings: WorldSettings,
  ) {
    this.random = new Seeded(settings.seed).fork(`day/${latent.index}/${midnightAt / DAY_MS}`);
  }

  live(): void {
    const { latent, midnightAt, random } = this;
    const { signedUpAt } = latent;
    if (signedUpAt >= midnightAt && signedUpAt < midnightAt + DAY_MS) this.signUp(signedUpAt);
    else if (signedUpAt < midnightAt && midnightAt === this.firstMidnight())
      this.profile(midnightAt + HOUR_MS);
    for (let left = random.poisson(sessionsOn(latent, midnightAt)); left > 0; left--) {
      const startAt = this.hour();
      this.occasions.sessionsAt.push(startAt);
      this.session(startAt, 0);
    }
    for (let left = random.poisson(ordersOn(latent, midnightAt)); left > 0; left--) this.order(this.hour());
  }

  private firstMidnight(): EpochMs {
    return Math.floor(this.settings.startAt / DAY_MS) * DAY_MS;
  }

  /** Around the favourite hour, any minute; never before the sign-up. */
  private hour(): EpochMs {
    const { latent, midnightAt, random } = this;
    const hours = latent.favouriteHour + 3 * random.normal();
    const at = midnightAt + ((((hours % 24) + 24) % 24) * HOUR_MS) / 1;
    return Math.max(Math.floor(at), latent.signedUpAt);
  }

  private identity(): Pick<WebEvent, 'messageId' | 'userId' | 'anonymousId'> {
    const { customerId, isAnonymous, index } = this.latent;
    const messageId = `${index}-${this.midnightAt / DAY_MS}-${this.messages++}`;
    return isAnonymous
      ? { messageId, userId: null, anonymousId: customerId.slice('anon:'.length) }
      : { messageId, userId: customerId, anonymousId: null };
  }

  private event(eventAt: EpochMs, more: Partial<WebEvent>): void {
    const { latent } = this;
    const value: WebEvent = {
      ...this.identity(),
      ...UNKNOWN,
      type: 'track',
      event: null,
      page: null,
      deviceType: latent.isMobile ? 'ios' : 'desktop',
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
      ...more,
    };
    this.happenings.push({ topic: 'web-events', eventAt, value });
  }

  /** At most six hours long; returns when it ended. */
  private session(startAt: EpochMs, atLeast: number): EpochMs {
    const { random } = this;
    let at = startAt;
    for (let left = Math.max(atLeast, sessionLength(random)); left > 0; left--) {
      this.click(at, left);
      if (left > 1)
        at += Math.min(25 * MINUTE_MS, 2 * SECOND_MS + Math.floor(random.exponential(80 * SECOND_MS)));
    }
    return at;
  }

  private click(at: EpochMs, left: number): void {
    const { random, latent } = this;
    const dice = random.next();
    const page = `/p/${random.int(400)}`;
    if (latent.isSocial && dice < 0.25) this.social(at);
    else if (dice < 0.5)
      this.event(at, { type: latent.isMobile && random.chance(0.5) ? 'screen' : 'page', page });
    else if (dice < 0.9) this.event(at, { event: random.pick(BROWSING), page });
    else this.event(at, { event: left % 3 === 0 ? 'Checkout Started' : 'Product Added', page });
  }

  private social(at: EpochMs): void {
    const { random, settings, latent } = this;
    const event = random.pick(SOCIAL);
    const isContent = ['Post Created', 'Comment Created', 'Message Sent'].includes(event);
    const other = random.int(settings.customers);
    const targetUserId =
      event === 'Post Created' || other === latent.index ? null : targetOf(settings, other, at);
    this.event(at, {
      event,
      targetUserId,
      liked: event === 'Profile Swiped' ? random.chance(0.4) : null,
      rating: event === 'Gig Rated' ? random.between(2, 5) : null,
      sentiment: isContent ? Math.round(1e3 * (2 * random.beta(3, 2) - 1)) / 1e3 : null,
    });
  }

  private order(startAt: EpochMs): void {
    const { random, latent, settings } = this;
    const endAt = this.session(startAt, 2);
    this.event(endAt + SECOND_MS, { event: 'Product Added' });
    this.event(endAt + 9 * SECOND_MS, { event: 'Checkout Started' });
    const orderId = `o-${latent.index}-${startAt}`;
    const revenueMinor = Math.max(
      100,
      Math.round(random.gamma(ORDER_SHAPE, latent.meanOrderMinor / ORDER_SHAPE)),
    );
    this.occasions.orders.push({ at: startAt, revenueMinor });
    const completedAt = endAt + 40 * SECOND_MS;
    this.orderMessage(completedAt, 'completed', orderId, revenueMinor);
    const later = (): EpochMs => completedAt + HOUR_MS + Math.floor(random.exponential(4 * DAY_MS));
    if (random.chance(settings.cancelShare)) this.orderMessage(later(), 'cancelled', orderId, null);
    else if (random.chance(settings.refundShare))
      this.orderMessage(
        later(),
        'refunded',
        orderId,
        random.chance(0.5) ? null : Math.round(revenueMinor / 2),
      );
  }

  private orderMessage(
    eventAt: EpochMs,
    kind: OrderKind,
    orderId: string,
    revenueMinor: number | null,
  ): void {
    const order: OrderFields = {
      orderId,
      revenueMinor,
      subtotalMinor: null,
      totalMinor: null,
      shippingMinor: null,
      taxMinor: null,
      currency: null,
    };
    const value: OrderEvent = { ...this.identity(), ...UNKNOWN, kind, order };
    this.happenings.push({ topic: 'orders', eventAt, value });
  }

  private signUp(at: EpochMs): void {
    this.event(at, { event: 'Signed Up' });
    this.profile(at + SECOND_MS);
  }

  private profile(at: EpochMs): void {
    const { latent, random } = this;
    if (latent.isAnonymous) return;
    const traits: ProfileFields = {
      ...NO_TRAITS,
      createdAt: latent.signedUpAt,
      accountType: latent.accountType,
      location: random.pick(['urban', 'suburban', 'rural']),
      profileCompleteness: Math.round(100 * random.beta(3, 2)),
      skills: random.poisson(4),
      ageBand: random.pick(['18-24', '25-34', '35-44', '45-54', '55+']),
      gender: random.pick(['female', 'male', 'other']),
    };
    const identity = { ...this.identity(), userId: latent.customerId, anonymousId: null };
    this.happenings.push({ topic: 'customers', eventAt: at, value: { ...identity, ...UNKNOWN, traits } });
  }
}

/** Nobody acts towards a visitor without a name, nor towards somebody who is still to sign up. */
function targetOf(settings: WorldSettings, index: number, at: EpochMs): CustomerId | null {
  const customerId = customerIdAt(settings, index);
  return customerId.startsWith('anon:') || signedUpAtOf(settings, index) > at ? null : customerId;
}
