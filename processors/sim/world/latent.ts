/**
 * What the world knows of a customer and nobody else: rates, spend, and how it all ends. Orders follow BG/NBD in
 * continuous time (gamma-distributed rates, a geometric drop-out after orders; Fader, Hardie and Lee 2005), spend is
 * gamma-gamma-like, and sessions have their own rate that falls with the decline.
 */
import type { CustomerId, EpochMs } from '../../../schemas';
import { DAY_MS } from '../../../schemas';
import type { Random } from '../random';
import { Random as Seeded } from '../random';
import type { WorldSettings } from './settings';

export type Decline = 'none' | 'gradual' | 'sudden';

export interface Latent {
  index: number;
  customerId: CustomerId;
  isAnonymous: boolean;
  signedUpAt: EpochMs;
  /** Before any decline. */
  sessionsPerDay: number;
  /** While it is alive; 0 for those who only look. */
  ordersPerDay: number;
  /** Of an order, minor units. */
  meanOrderMinor: number;
  decline: Decline;
  declineAt: EpochMs;
  /** gradual: the rate falls by 1/e in this many days. */
  declineDays: number;
  isSocial: boolean;
  isMobile: boolean;
  /** Hour of the day, UTC, around which sessions gather. */
  favouriteHour: number;
  accountType: 'free' | 'premium' | 'enterprise';
}

/** Gradual decline is the end below this share of the old rate: beyond it nobody comes. */
export const FAINTEST = 0.02;

/** Distributions that a customer is drawn from; gamma as shape and scale, exponentials as mean days. */
export const PRIOR = {
  sessionsPerDay: [0.9, 0.38],
  buyers: 0.6,
  ordersPerDay: [1.2, 0.025],
  leastOrderMinor: 2_000,
  orderMinorAbove: [2, 2_500],
  declineAfterDays: 300,
  declineBeforeStartDays: 20,
  gradual: 0.5,
  leastDeclineDays: 5,
  declineDaysAbove: 15,
} as const;

export const customerIdAt = (
  { seed, customers, anonymousShare }: WorldSettings,
  index: number,
): CustomerId => {
  const isAnonymous = new Seeded(seed).fork(`who/${index}`).chance(anonymousShare);
  const number = String(index).padStart(String(customers - 1).length, '0');
  return isAnonymous ? `anon:visitor-${number}` : `customer-${number}`;
};

const latentDraws = ({ seed }: WorldSettings, index: number): Random =>
  new Seeded(seed).fork(`latent/${index}`);

/** The first of the draws of `latentDraws`. */
const signUpOf = (random: Random, { newcomerShare, startAt, days }: WorldSettings): EpochMs =>
  random.chance(newcomerShare)
    ? startAt + Math.floor(random.next() * days * 0.8 * DAY_MS)
    : startAt - Math.floor(random.exponential(200) * DAY_MS);

/** Without all the rest of `latentOf`: others ask for it at every act towards a customer. */
export const signedUpAtOf = (settings: WorldSettings, index: number): EpochMs =>
  signUpOf(latentDraws(settings, index), settings);

/** Of one customer, from the seed alone. */
export function latentOf(settings: WorldSettings, index: number): Latent {
  const { activityScale, socialShare, mobileShare } = settings;
  const random = latentDraws(settings, index);
  const customerId = customerIdAt(settings, index);
  const isAnonymous = customerId.startsWith('anon:');
  const signedUpAt = signUpOf(random, settings);
  const sessionsPerDay = activityScale * Math.min(6, random.gamma(...PRIOR.sessionsPerDay));
  const isBuyer = !isAnonymous && random.chance(PRIOR.buyers);
  const ordersPerDay = isBuyer ? Math.min(0.5, random.gamma(...PRIOR.ordersPerDay)) : 0;
  const meanOrderMinor = Math.round(PRIOR.leastOrderMinor + random.gamma(...PRIOR.orderMinorAbove));
  const declines = declineOf(random, signedUpAt, settings);
  return {
    index,
    customerId,
    isAnonymous,
    signedUpAt,
    sessionsPerDay,
    ordersPerDay,
    meanOrderMinor,
    ...declines,
    isSocial: !isAnonymous && random.chance(socialShare),
    isMobile: random.chance(mobileShare),
    favouriteHour: random.int(24),
    accountType: random.pick(['free', 'free', 'free', 'premium', 'enterprise']),
  };
}

/** Hazard of leaving: exponential with a mean of a year and a half, from the first day on. */
function declineOf(
  random: Random,
  signedUpAt: EpochMs,
  { startAt, days }: WorldSettings,
): Pick<Latent, 'decline' | 'declineAt' | 'declineDays'> {
  const from = Math.max(signedUpAt, startAt - PRIOR.declineBeforeStartDays * DAY_MS);
  const declineAt = from + Math.floor(random.exponential(PRIOR.declineAfterDays) * DAY_MS);
  const declineDays = PRIOR.leastDeclineDays + random.exponential(PRIOR.declineDaysAbove);
  if (declineAt > startAt + (days + 400) * DAY_MS)
    return { decline: 'none', declineAt: Infinity, declineDays };
  return { decline: random.chance(PRIOR.gradual) ? 'gradual' : 'sudden', declineAt, declineDays };
}

/** Share of the old rates that is left at an instant, 0 to 1. */
export function vigour({ signedUpAt, decline, declineAt, declineDays }: Latent, at: EpochMs): number {
  if (at < signedUpAt) return 0;
  if (at < declineAt) return 1;
  if (decline === 'sudden') return 0;
  const left = Math.exp(-(at - declineAt) / (declineDays * DAY_MS));
  return left < FAINTEST ? 0 : left;
}

/** Weekends are quieter, early December is loud: a factor on everybody's rates. */
export function season(at: EpochMs): number {
  const date = new Date(at);
  const weekday = date.getUTCDay();
  const dayOfYear = (at - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS;
  const yearly = 1 + 0.15 * Math.cos((2 * Math.PI * (dayOfYear - 340)) / 365);
  return yearly * (weekday === 0 || weekday === 6 ? 0.8 : 1.08);
}

/** Expected sessions, and orders, on the UTC day that begins at `midnightAt`. */
export const sessionsOn = (latent: Latent, midnightAt: EpochMs): number =>
  latent.sessionsPerDay * vigour(latent, midnightAt + DAY_MS / 2) * season(midnightAt);

export const ordersOn = (latent: Latent, midnightAt: EpochMs): number =>
  latent.ordersPerDay * vigour(latent, midnightAt + DAY_MS / 2) * season(midnightAt);
