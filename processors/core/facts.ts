/**
 * What we remember of a customer. Facts are a merge of what the customer's inputs contribute: any order of
 * processing gives the same vector (the law is stated in docs/features.md and tested in laws/).
 */
import type { CustomerId, EpochMs } from '../../schemas';
import { DAY_MS, HOUR_MS } from '../../schemas';
import { newLedger } from './ledger';
import type { ScoreLedger } from './ledger';
import { Table, newCells } from './table';

/** Columns of a session span. */
export const SPAN = {
  start: 0,
  end: 1,
  events: 2,
  pageViews: 3,
  productViews: 4,
  cartAdds: 5,
  checkouts: 6,
} as const;
export const SPAN_WIDTH = 7;

/** Columns of a day tile, the most frequent first so that the presence bits of a stored day stay short. */
export const DAY = {
  day: 0,
  activeHours: 1,
  events: 2,
  pageViews: 3,
  mobileEvents: 4,
  productViews: 5,
  cartAdds: 6,
  checkouts: 7,
  likesReceived: 8,
  profileViewsReceived: 9,
  posts: 10,
  comments: 11,
  shares: 12,
  messages: 13,
  contents: 14,
  sentimentMillionths: 15,
  commentsReceived: 16,
  sharesReceived: 17,
  swipes: 18,
  swipeLikes: 19,
  applicationsSent: 20,
  applicationsReceived: 21,
  ratings: 22,
  ratingHundredths: 23,
  foldedOrders: 24,
  foldedNetMinor: 25,
} as const;
export const DAY_WIDTH = 26;

/** Columns of a week with own activity; bit k of `activeDays`: on its day k, Monday is 0. */
export const WEEK = { week: 0, activeDays: 1 } as const;
export const WEEK_WIDTH = 2;

/** Columns of an order's registers. Instants count only where the flag is set. */
export const ORDER = {
  idHi: 0,
  idLo: 1,
  flags: 2,
  placedAt: 3,
  revisedAt: 4,
  amountAt: 5,
  amountMinor: 6,
  cancelledAt: 7,
} as const;
export const ORDER_WIDTH = 8;
export const ORDER_PLACED = 1;
export const ORDER_REVISED = 2;
export const ORDER_PRICED = 4;
export const ORDER_CANCELLED = 8;

/** Columns of a refund: a set by message id within an order. */
export const REFUND = {
  orderHi: 0,
  orderLo: 1,
  messageHi: 2,
  messageLo: 3,
  amountMinor: 4,
  whole: 5,
} as const;
export const REFUND_WIDTH = 6;

/** Columns of a recent message id. `source` is the topic, apart for what came by mail. */
export const RECENT = { recordAt: 0, source: 1, hi: 2, lo: 3 } as const;
export const RECENT_WIDTH = 4;

/** Lifetime numbers, always kept. */
export const LIFE = {
  followers: 0,
  following: 1,
  connections: 2,
  gigHires: 3,
  gigsCompleted: 4,
  gigsCancelled: 5,
  applicationsSent: 6,
  ratings: 7,
  ratingHundredths: 8,
  foldedOrders: 9,
  foldedNetMinor: 10,
  foldedGrossMinor: 11,
  foldedRefundedMinor: 12,
  foldedFirstDay: 13,
  foldedLastDay: 14,
  foldedDays: 15,
  /** Completed orders among the folded, also the cancelled ones. */
  foldedCompleted: 16,
  /** Newest day of any folded order; `foldedFirstDay`, `foldedLastDay` and `foldedDays` are of those that count. */
  foldedThroughDay: 17,
} as const;
export const LIFE_WIDTH = 18;

/** One profile field: the newest (time, message id, bytes) wins. */
export interface Register<T> {
  at: EpochMs;
  hi: number;
  lo: number;
  value: T;
}

export interface ProfileRegisters {
  createdAt?: Register<number>;
  accountType?: Register<string>;
  location?: Register<string>;
  profileCompleteness?: Register<number>;
  skills?: Register<number>;
  ageBand?: Register<string>;
  gender?: Register<string>;
  anonymousId?: Register<string>;
}

export interface Attributes {
  computedAt: EpochMs;
  networkCentrality: number | null;
  avgConnectionStrength: number | null;
}

/** Entry and exit page of the session that starts at `start`; kept only while it may still be published. */
export interface SessionPages {
  start: EpochMs;
  entryAt: EpochMs;
  entry: string;
  exitAt: EpochMs;
  exit: string;
}

/** Parts that overflowed their bound: outside the law from then on. */
export const SATURATED = { recentIds: 1, orders: 2, pendingOrders: 4 } as const;

export interface CustomerFacts {
  /** Newest record timestamp or tick applied; -Infinity before the first. Only trims, never shows in a vector. */
  clock: EpochMs;
  /** Earliest event time of anything held; Infinity before the first. */
  firstSeenAt: EpochMs;
  /** -Infinity when there is none. */
  lastOwnActivityAt: EpochMs;
  /** Record timestamp of the last erasure; -Infinity when there is none. */
  erasedAt: EpochMs;
  saturated: number;
  life: number[];
  sessions: Table;
  pages: SessionPages[];
  days: Table;
  weeks: Table;
  orders: Table;
  refunds: Table;
  recentIds: Table;
  profile: ProfileRegisters;
  attributes: Attributes | null;
}

export interface Customer {
  id: CustomerId;
  facts: CustomerFacts;
  ledger: ScoreLedger;
}

/** How far back each part goes, behind the facts' clock. */
export const HORIZON = {
  sessionsMs: 35 * DAY_MS,
  pagesMs: 2 * DAY_MS,
  days: 93,
  weeks: 53,
  duplicatesMs: 48 * HOUR_MS,
  silentAnonymousDays: 93,
} as const;

export const LIMIT = {
  recentIdsPerTopic: 4_096,
  completedOrders: 1_000,
  pendingOrders: 100,
  textBytes: 64,
} as const;

export function newFacts(): CustomerFacts {
  return {
    clock: -Infinity,
    firstSeenAt: Infinity,
    lastOwnActivityAt: -Infinity,
    erasedAt: -Infinity,
    saturated: 0,
    life: newCells(LIFE_WIDTH),
    sessions: new Table(SPAN_WIDTH),
    pages: [],
    days: new Table(DAY_WIDTH),
    weeks: new Table(WEEK_WIDTH),
    orders: new Table(ORDER_WIDTH),
    refunds: new Table(REFUND_WIDTH),
    recentIds: new Table(RECENT_WIDTH),
    profile: {},
    attributes: null,
  };
}

export const newCustomer = (id: CustomerId): Customer => ({ id, facts: newFacts(), ledger: newLedger() });

/** A copy that shares nothing with the original. */
export function copyFacts(facts: CustomerFacts): CustomerFacts {
  return {
    ...facts,
    life: facts.life.slice(),
    sessions: facts.sessions.copy(),
    pages: facts.pages.map(pages => ({ ...pages })),
    days: facts.days.copy(),
    weeks: facts.weeks.copy(),
    orders: facts.orders.copy(),
    refunds: facts.refunds.copy(),
    recentIds: facts.recentIds.copy(),
    profile: { ...facts.profile },
    attributes: facts.attributes && { ...facts.attributes },
  };
}

/** Nothing but the marker of an erasure is left. */
export const isErasedMarker = (facts: CustomerFacts): boolean =>
  facts.clock === -Infinity && facts.erasedAt > -Infinity;
