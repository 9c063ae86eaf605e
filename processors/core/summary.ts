/** One pass over the facts at an as-of: the sums that every feature of the catalogue is read from. */
import type { EpochMs } from '../../schemas';
import { DAY_MS, MINUTE_MS, dayOf } from '../../schemas';
import { DAY, DAY_WIDTH, LIFE, SPAN, WEEK } from './facts';
import type { CustomerFacts } from './facts';
import { forEachOrder } from './orders';
import { firstDayOf, weekOf } from './weeks';

export interface Summary {
  facts: CustomerFacts;
  asOf: EpochMs;
  /** Sums of the day counters over the windows, by column of `DAY`. */
  days30: Float64Array;
  days90: Float64Array;
  events7: number;
  activeDays7: number;
  activeDays30: number;
  activeDays90: number;
  /** Of the as-of's week and so many weeks before it. */
  activeDays26Weeks: number;
  activeDays52Weeks: number;
  weekendEvents30: number;
  /** Days of 30 on which each hour was active. */
  hours30: Float64Array;
  sessions7: number;
  sessions30: number;
  /** Sum of session lengths, each at most 24 h, over 30 days. */
  sessionMinutes30: number;
  orders: OrderSummary;
}

/** Over orders that count, unless said otherwise. Money in minor units. */
export interface OrderSummary {
  count: number;
  netMinor: number;
  /** Of all completed orders. */
  grossMinor: number;
  refundedMinor: number;
  completed: number;
  distinctDays: number;
  firstDay: number;
  lastDay: number;
  count30: number;
  netMinor30: number;
  netMinor90: number;
}

const newSummary = (): Summary => ({
  facts: undefined as unknown as CustomerFacts,
  asOf: 0,
  days30: new Float64Array(DAY_WIDTH),
  days90: new Float64Array(DAY_WIDTH),
  events7: 0,
  activeDays7: 0,
  activeDays30: 0,
  activeDays90: 0,
  activeDays26Weeks: 0,
  activeDays52Weeks: 0,
  weekendEvents30: 0,
  hours30: new Float64Array(24),
  sessions7: 0,
  sessions30: 0,
  sessionMinutes30: 0,
  orders: {
    count: 0,
    netMinor: 0,
    grossMinor: 0,
    refundedMinor: 0,
    completed: 0,
    distinctDays: 0,
    firstDay: NaN,
    lastDay: NaN,
    count30: 0,
    netMinor30: 0,
    netMinor90: 0,
  },
});

/** Reused: a summary is read before the next one is made. */
const shared = newSummary();

/** The summary at `asOf`, valid until the next call. */
export function summarise(facts: CustomerFacts, asOf: EpochMs): Summary {
  shared.facts = facts;
  shared.asOf = asOf;
  sumDays(shared);
  sumWeeks(shared);
  sumSessions(shared);
  sumOrders(shared);
  return shared;
}

/** 1970-01-01 was a Thursday. */
const isWeekend = (day: number): boolean => {
  const weekday = (((day + 4) % 7) + 7) % 7;
  return weekday === 0 || weekday === 6;
};

function sumDays(summary: Summary): void {
  const { facts, days30, days90, hours30 } = summary;
  const today = dayOf(summary.asOf);
  days30.fill(0);
  days90.fill(0);
  hours30.fill(0);
  summary.events7 =
    summary.activeDays7 =
    summary.activeDays30 =
    summary.activeDays90 =
    summary.weekendEvents30 =
      0;
  const { days } = facts;
  for (let row = days.lowerBound(today - 90); row < days.rows; row++) {
    const day = days.at(row, DAY.day);
    if (day > today) return;
    const base = row * DAY_WIDTH;
    const { cells } = days;
    const active = cells[base + DAY.activeHours]! !== 0;
    if (active) summary.activeDays90++;
    for (let column: number = DAY.profileViewsReceived; column < DAY_WIDTH; column++)
      days90[column]! += cells[base + column]!;
    if (day < today - 30) continue;
    for (let column: number = DAY.events; column < DAY_WIDTH; column++)
      days30[column]! += cells[base + column]!;
    if (active) {
      summary.activeDays30++;
      countHours(hours30, cells[base + DAY.activeHours]!);
    }
    if (isWeekend(day)) summary.weekendEvents30 += cells[base + DAY.events]!;
    if (day < today - 7) continue;
    if (active) summary.activeDays7++;
    summary.events7 += cells[base + DAY.events]!;
  }
}

function sumWeeks(summary: Summary): void {
  const { weeks } = summary.facts;
  const today = dayOf(summary.asOf);
  const thisWeek = weekOf(today);
  summary.activeDays26Weeks = summary.activeDays52Weeks = 0;
  for (let row = weeks.lowerBound(thisWeek - 52); row < weeks.rows; row++) {
    const week = weeks.at(row, WEEK.week);
    if (week > thisWeek) return;
    let active = weeks.at(row, WEEK.activeDays);
    if (week === thisWeek) active &= (2 << (today - firstDayOf(week))) - 1;
    const days = countBits(active);
    summary.activeDays52Weeks += days;
    if (week >= thisWeek - 26) summary.activeDays26Weeks += days;
  }
}

function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function countHours(hours: Float64Array, mask: number): void {
  for (let rest = mask; rest !== 0; rest &= rest - 1) hours[31 - Math.clz32(rest & -rest)]!++;
}

/** A session belongs to the day of its end. */
function sumSessions(summary: Summary): void {
  const { sessions } = summary.facts;
  const today = dayOf(summary.asOf);
  summary.sessions7 = summary.sessions30 = 0;
  // Whole milliseconds, so that no order of summing shows.
  let lengthMs = 0;
  for (let row = sessions.rows - 1; row >= 0; row--) {
    const end = sessions.at(row, SPAN.end);
    const day = dayOf(end);
    if (day < today - 30) break;
    if (day > today) continue;
    summary.sessions30++;
    lengthMs += Math.min(end - sessions.at(row, SPAN.start), DAY_MS);
    if (day >= today - 7) summary.sessions7++;
  }
  summary.sessionMinutes30 = lengthMs / MINUTE_MS;
}

/** Days of orders that count, to find the distinct ones. */
let orderDays = new Float64Array(64);

function sumOrders(summary: Summary): void {
  const { facts, orders, days30, days90 } = summary;
  const { life } = facts;
  const today = dayOf(summary.asOf);
  const folded = life[LIFE.foldedOrders]!;
  orders.count = folded;
  orders.netMinor = life[LIFE.foldedNetMinor]!;
  orders.grossMinor = life[LIFE.foldedGrossMinor]!;
  orders.refundedMinor = life[LIFE.foldedRefundedMinor]!;
  orders.completed = life[LIFE.foldedCompleted]!;
  orders.firstDay = folded > 0 ? life[LIFE.foldedFirstDay]! : NaN;
  orders.lastDay = folded > 0 ? life[LIFE.foldedLastDay]! : NaN;
  orders.count30 = days30[DAY.foldedOrders]!;
  orders.netMinor30 = days30[DAY.foldedNetMinor]!;
  orders.netMinor90 = days90[DAY.foldedNetMinor]!;
  if (orderDays.length < facts.orders.rows) orderDays = new Float64Array(facts.orders.rows * 2);
  let found = 0;
  if (facts.orders.rows > 0)
    forEachOrder(facts, order => {
      orders.completed++;
      orders.grossMinor += order.grossMinor;
      orders.refundedMinor += order.refundedMinor;
      if (!order.counts) return;
      const day = dayOf(order.placedAt);
      const net = order.grossMinor - order.refundedMinor;
      orderDays[found++] = day;
      orders.count++;
      orders.netMinor += net;
      if (day > today || day < today - 90) return;
      orders.netMinor90 += net;
      if (day < today - 30) return;
      orders.netMinor30 += net;
      orders.count30++;
    });
  finishOrderDays(orders, found, life);
}

function finishOrderDays(orders: OrderSummary, found: number, life: readonly number[]): void {
  orders.distinctDays = life[LIFE.foldedDays]!;
  if (found === 0) return;
  const days = orderDays.subarray(0, found).sort();
  const foldedLast = life[LIFE.foldedOrders]! > 0 ? life[LIFE.foldedLastDay]! : NaN;
  for (let at = 0; at < found; at++)
    if ((at === 0 || days[at] !== days[at - 1]) && days[at] !== foldedLast) orders.distinctDays++;
  const first = days[0]!;
  const last = days[found - 1]!;
  orders.firstDay = orders.firstDay < first ? orders.firstDay : first;
  orders.lastDay = orders.lastDay > last ? orders.lastDay : last;
}
