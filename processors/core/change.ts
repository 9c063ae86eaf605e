/**
 * When will the vector change with no event at all? Only at a UTC midnight: where a day with something in it
 * leaves a window, or an age takes its next step.
 */
import type { EpochDay, EpochMs } from '../../schemas';
import { NEVER, dayOf, midnight } from '../../schemas';
import { nextAgeChange, nextMonthChange } from './calendar';
import { DAY, DAY_WIDTH, HORIZON, LIFE, SPAN, WEEK } from './facts';
import type { Customer, CustomerFacts } from './facts';
import { ledgerWake } from './ledger';
import { forEachOrder } from './orders';
import { nextSessionClose } from './session-log';
import type { CoreSettings } from './types';
import { firstDayOf, weekOf } from './weeks';

/** Day counters that a 90-day feature reads, besides active days and folded orders. */
const IN_90_DAYS = [
  DAY.profileViewsReceived,
  DAY.applicationsSent,
  DAY.applicationsReceived,
  DAY.ratings,
] as const;

const leaves = (day: EpochDay, window: number): EpochMs => midnight(day + window + 1);

/** The first instant after `asOf` at which the vector may change without an input; `NEVER` if it can't. */
export function validUntil(facts: CustomerFacts, asOf: EpochMs): EpochMs {
  const orders = nextOrderChange(facts, asOf);
  const days = Math.min(nextDayChange(facts, asOf), nextWeekChange(facts, asOf));
  let next = Math.min(days, nextSpanChange(facts, asOf), orders);
  if (facts.lastOwnActivityAt > -Infinity)
    next = Math.min(next, nextAgeChange(facts.lastOwnActivityAt, asOf));
  const since = facts.profile.createdAt?.value ?? facts.firstSeenAt;
  if (since < Infinity) next = Math.min(next, nextMonthChange(since, asOf));
  return next;
}

function nextDayChange(facts: CustomerFacts, asOf: EpochMs): EpochMs {
  const { days } = facts;
  const today = dayOf(asOf);
  let next: EpochMs = NEVER;
  let found90 = false;
  let found30 = false;
  for (let row = days.lowerBound(today - 90); row < days.rows; row++) {
    const day = days.at(row, DAY.day);
    const active = days.at(row, DAY.activeHours) !== 0;
    if (!found90 && (active || isIn90(facts, row))) {
      next = Math.min(next, leaves(day, 90));
      found90 = true;
    }
    if (day < today - 30) continue;
    if (!found30 && (active || isIn30(facts, row))) {
      next = Math.min(next, leaves(day, 30));
      found30 = true;
    }
    if (day >= today - 7 && active) return Math.min(next, leaves(day, 7));
  }
  return next;
}

/** The Monday on which the oldest active week of a window is no longer in it. */
function nextWeekChange(facts: CustomerFacts, asOf: EpochMs): EpochMs {
  const { weeks } = facts;
  const thisWeek = weekOf(dayOf(asOf));
  let next: EpochMs = NEVER;
  for (const window of [52, 26]) {
    const row = weeks.lowerBound(thisWeek - window);
    if (row < weeks.rows) next = Math.min(next, midnight(firstDayOf(weeks.at(row, WEEK.week) + window + 1)));
  }
  return next;
}

function isIn90(facts: CustomerFacts, row: number): boolean {
  if (facts.days.at(row, DAY.foldedOrders) !== 0) return true;
  return IN_90_DAYS.some(column => facts.days.at(row, column) !== 0);
}

/** Anything that a 30-day feature sums; what only 90-day features read is left out. */
function isIn30(facts: CustomerFacts, row: number): boolean {
  for (let column: number = DAY.events; column < DAY_WIDTH; column++) {
    if ((IN_90_DAYS as readonly number[]).includes(column) || column === DAY.ratingHundredths) continue;
    if (facts.days.at(row, column) !== 0) return true;
  }
  return false;
}

function nextSpanChange(facts: CustomerFacts, asOf: EpochMs): EpochMs {
  const { sessions } = facts;
  const today = dayOf(asOf);
  for (let row = 0; row < sessions.rows; row++) {
    const day = dayOf(sessions.at(row, SPAN.end));
    if (day < today - 30) continue;
    const next = leaves(day, 30);
    for (; row < sessions.rows; row++) {
      const end = dayOf(sessions.at(row, SPAN.end));
      if (end >= today - 7) return Math.min(next, leaves(end, 7));
    }
    return next;
  }
  return NEVER;
}

function nextOrderChange(facts: CustomerFacts, asOf: EpochMs): EpochMs {
  const today = dayOf(asOf);
  const folded = facts.life[LIFE.foldedOrders]! > 0;
  let first = folded ? facts.life[LIFE.foldedFirstDay]! : Infinity;
  let last = folded ? facts.life[LIFE.foldedLastDay]! : -Infinity;
  let next: EpochMs = NEVER;
  if (facts.orders.rows > 0)
    forEachOrder(facts, order => {
      if (!order.counts) return;
      const day = dayOf(order.placedAt);
      first = Math.min(first, day);
      last = Math.max(last, day);
      if (day >= today - 90) next = Math.min(next, leaves(day, 90));
      if (day >= today - 30) next = Math.min(next, leaves(day, 30));
    });
  if (last === -Infinity) return NEVER;
  return Math.min(next, nextAgeChange(midnight(first), asOf), nextAgeChange(midnight(last), asOf));
}

/** When an anonymous customer without an order is forgotten; `NEVER` for everyone else. */
export function dropAt(customer: Customer): EpochMs {
  const { facts } = customer;
  if (!customer.id.startsWith('anon:') || facts.orders.rows > 0 || facts.life[LIFE.foldedCompleted]! > 0)
    return NEVER;
  const since = facts.lastOwnActivityAt > -Infinity ? facts.lastOwnActivityAt : facts.firstSeenAt;
  return since < Infinity ? midnight(dayOf(since) + HORIZON.silentAnonymousDays + 1) : NEVER;
}

export interface NextChange {
  validUntil: EpochMs;
  sessionCloseAt: EpochMs;
  dropAt: EpochMs;
}

/** When to tick, and why. `sessionCloseAt` may lie in the past: a late event changed a session that was closed. */
export function nextChange(customer: Customer, asOf: EpochMs, settings: CoreSettings): NextChange {
  return {
    validUntil: validUntil(customer.facts, asOf),
    sessionCloseAt: nextSessionClose(customer.facts, customer.ledger, settings),
    dropAt: dropAt(customer),
  };
}

/** Next wake of a customer for the due index; `NEVER` when only an input can change anything. */
export function nextWake(customer: Customer, settings: CoreSettings): EpochMs {
  const { facts, ledger } = customer;
  if (facts.clock === -Infinity) return NEVER;
  const next = nextChange(customer, facts.clock, settings);
  return Math.min(next.validUntil, next.sessionCloseAt, next.dropAt, ledgerWake(ledger, settings));
}
