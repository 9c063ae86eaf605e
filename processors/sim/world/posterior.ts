/**
 * The best that anybody could say: expectations given what a customer has done until T, by somebody who knows what
 * the world is made of, but not this customer. By numerical integration, no sampling:
 *
 * 1. A decline is a point of a grid: its kind and pace (declines.ts) and the day on which it begins; or none yet.
 * 2. Given a decline, visits are Poisson with a known exposure A, so their gamma-distributed rate can be integrated
 *    in closed form: n visits leave gamma(shape + n, rate + A), and give the decline the weight (rate + A)^-(shape + n)
 *    times the shares that were left on the days of the visits. Orders likewise; who never ordered may be no buyer.
 * 3. E exp(-rate F) = ((rate + A) / (rate + A + F))^(shape + n) for a future exposure F: silence, and active spans.
 * 4. The mean value of an order is integrated over a grid of its own.
 *
 * It knows a little more than a vector could: visits that overlap are told apart, what happened counts before it
 * arrives, and the customer's favourite hour is known. So the best possible is, if anything, below this.
 */
import type { EpochMs } from '../../../schemas';
import { DAY_MS, HOUR_MS } from '../../../schemas';
import { DECLINES, Exposures, originDay } from './declines';
import { PRIOR } from './latent';
import type { Latent } from './latent';
import { expectedValueMinor } from './spend';
import { keptShare } from './truth';
import type { WorldSettings } from './settings';

export interface SeenHistory {
  /** Instants of visits, in order. */
  sessionsAt: readonly EpochMs[];
  orders: readonly { at: EpochMs; revenueMinor: number }[];
}

export interface Expectations {
  /** P(no own activity in the next 30 days). */
  churn: number;
  /** Expected share of the next 30 spans of 24 hours with own activity. */
  engagement: number;
  /** Expected net revenue of the next 180 days, minor units. */
  revenueMinor: number;
}

type Known = Pick<Latent, 'signedUpAt' | 'favouriteHour' | 'isAnonymous'>;

const SPANS = 30;
const REVENUE_DAYS = 180;
/** Declines that begin after the 30 days are taken together by as many days (odd). */
const STRIDE = 5;
const LONGEST = Math.max(...DECLINES.map(({ length }) => length));
/** Declines whose weight is below this share of the largest are left out. */
const FAINT_WEIGHT = 1e-9;

interface Rate {
  shape: number;
  rate: number;
}

export class WorldPosterior {
  private readonly exposures: Exposures;
  private readonly origin: number;
  private readonly sessions: Rate;
  private readonly orders: Rate = {
    shape: PRIOR.ordersPerDay[0],
    rate: 1 / PRIOR.ordersPerDay[1],
  };

  constructor(private readonly settings: WorldSettings) {
    this.origin = originDay(settings);
    const reach = settings.days + PRIOR.declineBeforeStartDays + REVENUE_DAYS + SPANS;
    this.exposures = new Exposures(settings, reach);
    const [shape, scale] = PRIOR.sessionsPerDay;
    this.sessions = { shape, rate: 1 / (scale * settings.activityScale) };
  }

  /** `history` holds what happened at or before `at`. */
  expect(known: Known, history: SeenHistory, at: EpochMs): Expectations {
    const look = this.lookAt(known, history, at);
    const sum = { weight: 0, churn: 0, engagement: 0, orders: 0 };
    const paths = this.pathsOf(look);
    const largest = Math.max(...paths.map(({ logWeight }) => logWeight));
    for (const path of paths) {
      const weight = Math.exp(path.logWeight - largest);
      if (weight < FAINT_WEIGHT) continue;
      const answer = this.answer(look, path);
      sum.weight += weight;
      sum.churn += weight * answer.churn;
      sum.engagement += weight * answer.engagement;
      sum.orders += weight * answer.orders;
    }
    const values = history.orders.map(({ revenueMinor }) => revenueMinor);
    return {
      churn: sum.churn / sum.weight,
      engagement: sum.engagement / sum.weight,
      revenueMinor: keptShare(this.settings) * expectedValueMinor(values) * (sum.orders / sum.weight),
    };
  }

  private lookAt(known: Known, { sessionsAt, orders }: SeenHistory, at: EpochMs): Look {
    const noonDay = (instant: EpochMs): number => Math.ceil((instant - DAY_MS / 2) / DAY_MS) - this.origin;
    const dayOf = (instant: EpochMs): number => Math.floor(instant / DAY_MS) - this.origin;
    const visits = [...sessionsAt, ...orders.map(order => order.at)].map(dayOf).sort((a, b) => a - b);
    const signedUp = Math.max(0, noonDay(known.signedUpAt));
    const today = dayOf(at);
    const hour = (at - (today + this.origin) * DAY_MS) / HOUR_MS;
    return {
      visits,
      sessions: sessionsAt.length,
      orders: orders.length,
      mayBuy: !known.isAnonymous,
      declinesFrom: signedUp,
      seenFrom: Math.max(signedUp, PRIOR.declineBeforeStartDays),
      now: today + shareOfDayBefore(hour, known.favouriteHour),
    };
  }

  /** Declines that began until T, those that begin within the horizon, and the one that comes later or never. */
  private pathsOf(look: Look): Path[] {
    const paths: Path[] = [];
    const month = Math.ceil(look.now) + SPANS + 1;
    const last = month + STRIDE * Math.ceil((REVENUE_DAYS - SPANS) / STRIDE);
    const mean = PRIOR.declineAfterDays;
    // Whoever came yesterday is in no decline that ended before.
    const ended = (look.visits.at(-1) ?? 0) - LONGEST;
    for (let day = Math.max(look.declinesFrom, ended), step = 1; day <= last; day += step) {
      step = day < month ? 1 : STRIDE;
      const prior =
        Math.exp(-(day - look.declinesFrom) / mean) * (day === last ? 1 : 1 - Math.exp(-step / mean));
      const from = day === last ? day : day + (step - 1) / 2;
      DECLINES.forEach(({ share }, kind) => {
        const visited = logShareOfVisits(look.visits, kind, from);
        if (visited === -Infinity) return;
        const exposure = this.between(look.seenFrom, look.now, { kind, from });
        const logWeight = Math.log(prior * share) + visited + this.logMarginal(look, exposure);
        paths.push({ kind, from, exposure, logWeight });
      });
    }
    return paths;
  }

  private between(from: number, until: number, { kind, from: begins }: Pick<Path, 'kind' | 'from'>): number {
    return until <= from
      ? 0
      : this.exposures.before(until, kind, begins) - this.exposures.before(from, kind, begins);
  }

  private logMarginal(look: Look, exposure: number): number {
    const { sessions, orders } = this;
    const visits = -(sessions.shape + look.sessions) * Math.log(sessions.rate + exposure);
    if (!look.mayBuy) return visits;
    if (look.orders > 0) return visits - (orders.shape + look.orders) * Math.log(orders.rate + exposure);
    const silent = Math.pow(orders.rate / (orders.rate + exposure), orders.shape);
    return visits + Math.log(PRIOR.buyers * silent + 1 - PRIOR.buyers);
  }

  private buyerShare(look: Look, exposure: number): number {
    if (!look.mayBuy) return 0;
    if (look.orders > 0) return 1;
    const silent =
      PRIOR.buyers * Math.pow(this.orders.rate / (this.orders.rate + exposure), this.orders.shape);
    return silent / (silent + 1 - PRIOR.buyers);
  }

  private answer(look: Look, path: Path): Answer {
    const buyers = this.buyerShare(look, path.exposure);
    const rate = (this.orders.shape + look.orders) / (this.orders.rate + path.exposure);
    const orders = buyers * rate * this.between(look.now, look.now + REVENUE_DAYS, path);
    // Declines after the 30 days are one and the same to them.
    if (path.from <= look.now + SPANS) return { ...this.month(look, path, buyers), orders };
    look.undeclined ??= this.month(look, path, buyers);
    return { ...look.undeclined, orders };
  }

  private month(look: Look, path: Path, buyers: number): Omit<Answer, 'orders'> {
    const silence = (coming: number): number => {
      if (coming === 0) return 1;
      const none = silentShare(this.sessions, look.sessions, path.exposure, coming);
      return buyers === 0
        ? none
        : none * (1 - buyers + buyers * silentShare(this.orders, look.orders, path.exposure, coming));
    };
    let active = 0;
    for (let span = 0; span < SPANS; span++)
      active += 1 - silence(this.between(look.now + span, look.now + span + 1, path));
    return { churn: silence(this.between(look.now, look.now + SPANS, path)), engagement: active / SPANS };
  }
}

interface Look {
  /** Days of all visits, in order. */
  visits: readonly number[];
  sessions: number;
  orders: number;
  mayBuy: boolean;
  declinesFrom: number;
  seenFrom: number;
  /** The day of T and the share of its visits that would have come before T. */
  now: number;
  /** The answer of 30 days without a decline; the exposure until T is the same for all of them. */
  undeclined?: Omit<Answer, 'orders'>;
}

interface Answer {
  churn: number;
  engagement: number;
  orders: number;
}

interface Path {
  kind: number;
  /** First day of the decline. */
  from: number;
  /** Seen until T. */
  exposure: number;
  logWeight: number;
}

/** E exp(-rate × coming) after `seen` visits in `exposure`. */
function silentShare({ shape, rate }: Rate, seen: number, exposure: number, coming: number): number {
  return Math.exp((shape + seen) * Math.log((rate + exposure) / (rate + exposure + coming)));
}

/** Logarithm of the product of what was left of the rate on the days of the visits. */
function logShareOfVisits(visits: readonly number[], kind: number, from: number): number {
  const { pace, length } = DECLINES[kind]!;
  let sum = 0;
  for (let index = visits.length - 1; index >= 0; index--) {
    const since = visits[index]! - from;
    if (since < 0) return sum;
    if (since >= length) return -Infinity;
    sum -= (since + 0.5) / pace;
  }
  return sum;
}

/** Visits gather around the favourite hour with a standard deviation of three hours, across midnight. */
function shareOfDayBefore(hour: number, favouriteHour: number): number {
  const below = (at: number): number => normalBelow((at - favouriteHour) / 3);
  let share = 0;
  for (const turn of [-24, 0, 24]) share += below(hour + turn) - below(turn);
  return Math.min(1, Math.max(0, share));
}

/** The normal distribution function by Zelen and Severo's polynomial (Abramowitz & Stegun 26.2.17), within 1e-7. */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
  return z > 0 ? 1 - above : above;
}
