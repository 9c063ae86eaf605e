/**
 * Order registers: one order id, several messages, any order of arrival. Each register merges by itself; what an
 * order is worth is read off the registers, never stored.
 */
import type { EpochMs, MinorUnits } from '../../schemas';
import { dayOf } from '../../schemas';
import {
  DAY,
  LIFE,
  LIMIT,
  ORDER,
  ORDER_CANCELLED,
  ORDER_PLACED,
  ORDER_PRICED,
  ORDER_REVISED,
  REFUND,
  SATURATED,
} from './facts';
import type { CustomerFacts } from './facts';
import { dayRow } from './days';
import { hash64 } from './hash';
import type { Hash64 } from './hash';
import type { Table } from './table';
import type { OrderInput } from './types';

/** First row of (hi, lo) in a table sorted by its first two columns. */
function lowerBound64(table: Table, hi: number, lo: number): number {
  let row = table.lowerBound(hi);
  while (row < table.rows && table.at(row, 0) === hi && table.at(row, 1) < lo) row++;
  return row;
}

const isOrder = (table: Table, row: number, id: Hash64): boolean =>
  row < table.rows && table.at(row, 0) === id.hi && table.at(row, 1) === id.lo;

/** Applies one order message. False when the order was folded into the lifetime sums and can't change any more. */
export function applyOrder(facts: CustomerFacts, input: OrderInput, messageId: Hash64): boolean {
  const id = hash64(input.orderId);
  const { orders } = facts;
  const row = lowerBound64(orders, id.hi, id.lo);
  if (!isOrder(orders, row, id)) {
    if (isFolded(facts, input)) return false;
    orders.insert(row);
    orders.set(row, ORDER.idHi, id.hi);
    orders.set(row, ORDER.idLo, id.lo);
  }
  mergeRegisters(facts, row, input, id, messageId);
  enforceLimits(facts);
  return true;
}

/** Beyond the bound, an unknown order placed no later than the newest folded one is taken for a folded one. */
function isFolded(facts: CustomerFacts, input: OrderInput): boolean {
  const { life } = facts;
  // The second column is younger than the first: values stored before it have only the first.
  const through = Math.max(life[LIFE.foldedLastDay]!, life[LIFE.foldedThroughDay]!);
  return life[LIFE.foldedCompleted]! > 0 && dayOf(input.eventAt) <= through;
}

function mergeRegisters(
  facts: CustomerFacts,
  row: number,
  input: OrderInput,
  id: Hash64,
  messageId: Hash64,
): void {
  const { orders } = facts;
  const { eventAt, amountMinor } = input;
  switch (input.action) {
    case 'completed':
      keepEarliest(orders, row, ORDER.placedAt, ORDER_PLACED, eventAt);
      revise(orders, row, eventAt, amountMinor);
      return;
    case 'updated':
      revise(orders, row, eventAt, amountMinor);
      return;
    case 'cancelled':
      keepLatest(orders, row, ORDER.cancelledAt, ORDER_CANCELLED, eventAt);
      return;
    case 'refunded':
      mergeRefund(facts.refunds, id, messageId, amountMinor);
  }
}

const flag = (orders: Table, row: number, bit: number): boolean => (orders.at(row, ORDER.flags) & bit) !== 0;

const raise = (orders: Table, row: number, bit: number): void =>
  orders.set(row, ORDER.flags, orders.at(row, ORDER.flags) | bit);

function keepEarliest(orders: Table, row: number, column: number, bit: number, at: EpochMs): void {
  if (!flag(orders, row, bit) || at < orders.at(row, column)) orders.set(row, column, at);
  raise(orders, row, bit);
}

function keepLatest(orders: Table, row: number, column: number, bit: number, at: EpochMs): void {
  if (!flag(orders, row, bit) || at > orders.at(row, column)) orders.set(row, column, at);
  raise(orders, row, bit);
}

/** The amount of the newest Completed or Updated; at one instant the larger. */
function revise(orders: Table, row: number, at: EpochMs, amountMinor: MinorUnits | null): void {
  keepLatest(orders, row, ORDER.revisedAt, ORDER_REVISED, at);
  if (amountMinor === null) return;
  const newer = !flag(orders, row, ORDER_PRICED) || at > orders.at(row, ORDER.amountAt);
  const larger = at === orders.at(row, ORDER.amountAt) && amountMinor > orders.at(row, ORDER.amountMinor);
  if (!newer && !larger) return;
  orders.set(row, ORDER.amountAt, at);
  orders.set(row, ORDER.amountMinor, amountMinor);
  raise(orders, row, ORDER_PRICED);
}

/** A set by message id; of two contents under one id the larger wins, and "the whole order" over any amount. */
function mergeRefund(refunds: Table, order: Hash64, message: Hash64, amountMinor: MinorUnits | null): void {
  let row = lowerBound64(refunds, order.hi, order.lo);
  while (isOrder(refunds, row, order)) {
    if (refunds.at(row, REFUND.messageHi) === message.hi && refunds.at(row, REFUND.messageLo) === message.lo)
      break;
    if (compareMessage(refunds, row, message) > 0) break;
    row++;
  }
  const known =
    isOrder(refunds, row, order) &&
    refunds.at(row, REFUND.messageHi) === message.hi &&
    refunds.at(row, REFUND.messageLo) === message.lo;
  if (!known) {
    refunds.insert(row);
    refunds.set(row, REFUND.orderHi, order.hi);
    refunds.set(row, REFUND.orderLo, order.lo);
    refunds.set(row, REFUND.messageHi, message.hi);
    refunds.set(row, REFUND.messageLo, message.lo);
  }
  if (amountMinor === null) refunds.set(row, REFUND.whole, 1);
  else
    refunds.set(
      row,
      REFUND.amountMinor,
      Math.max(refunds.at(row, REFUND.amountMinor), Math.max(0, amountMinor)),
    );
}

const compareMessage = (refunds: Table, row: number, message: Hash64): number =>
  refunds.at(row, REFUND.messageHi) - message.hi || refunds.at(row, REFUND.messageLo) - message.lo;

/** What one completed order is worth. */
export interface OrderWorth {
  placedAt: EpochMs;
  grossMinor: MinorUnits;
  refundedMinor: MinorUnits;
  /** Neither cancelled nor wholly refunded. */
  counts: boolean;
}

/** Reused by `forEachOrder`: read it, do not keep it. */
const worth: OrderWorth = { placedAt: 0, grossMinor: 0, refundedMinor: 0, counts: false };

/** Calls `visit` for every completed order. Orders and refunds are sorted alike, so one walk serves both. */
export function forEachOrder(facts: CustomerFacts, visit: (order: OrderWorth, row: number) => void): void {
  const { orders, refunds } = facts;
  let refund = 0;
  for (let row = 0; row < orders.rows; row++) {
    const hi = orders.at(row, ORDER.idHi);
    const lo = orders.at(row, ORDER.idLo);
    while (refund < refunds.rows && before(refunds, refund, hi, lo)) refund++;
    if (!flag(orders, row, ORDER_PLACED)) continue;
    readWorth(facts, row, refund);
    visit(worth, row);
  }
}

const before = (refunds: Table, row: number, hi: number, lo: number): boolean =>
  refunds.at(row, REFUND.orderHi) < hi ||
  (refunds.at(row, REFUND.orderHi) === hi && refunds.at(row, REFUND.orderLo) < lo);

function readWorth(facts: CustomerFacts, row: number, firstRefund: number): void {
  const { orders, refunds } = facts;
  const gross = flag(orders, row, ORDER_PRICED) ? Math.max(0, orders.at(row, ORDER.amountMinor)) : 0;
  let refunded = 0;
  let any = false;
  for (let at = firstRefund; at < refunds.rows; at++) {
    if (refunds.at(at, REFUND.orderHi) !== orders.at(row, ORDER.idHi)) break;
    if (refunds.at(at, REFUND.orderLo) !== orders.at(row, ORDER.idLo)) break;
    any = true;
    refunded += refunds.at(at, REFUND.whole) === 1 ? gross : refunds.at(at, REFUND.amountMinor);
  }
  const cancelled =
    flag(orders, row, ORDER_CANCELLED) &&
    orders.at(row, ORDER.cancelledAt) >= orders.at(row, ORDER.revisedAt);
  worth.placedAt = orders.at(row, ORDER.placedAt);
  worth.grossMinor = gross;
  worth.refundedMinor = Math.min(refunded, gross);
  worth.counts = !cancelled && !(any && refunded >= gross);
}

function enforceLimits(facts: CustomerFacts): void {
  const { orders } = facts;
  if (orders.rows <= LIMIT.pendingOrders) return;
  let completed = 0;
  for (let row = 0; row < orders.rows; row++) if (flag(orders, row, ORDER_PLACED)) completed++;
  if (completed > LIMIT.completedOrders) foldOldest(facts);
  if (orders.rows - completed > LIMIT.pendingOrders) dropOldestPending(facts);
}

function dropOldestPending(facts: CustomerFacts): void {
  const { orders } = facts;
  let oldest = -1;
  for (let row = 0; row < orders.rows; row++) {
    if (flag(orders, row, ORDER_PLACED)) continue;
    if (oldest < 0 || pendingSince(orders, row) < pendingSince(orders, oldest)) oldest = row;
  }
  removeOrder(facts, oldest);
  facts.saturated |= SATURATED.pendingOrders;
}

const pendingSince = (orders: Table, row: number): number =>
  Math.max(orders.at(row, ORDER.revisedAt), orders.at(row, ORDER.cancelledAt));

/** The oldest by (placed at, id) goes into the lifetime sums and its day. */
function foldOldest(facts: CustomerFacts): void {
  const { orders, life } = facts;
  let oldest = -1;
  let gross = 0;
  let refunded = 0;
  let counts = false;
  forEachOrder(facts, (order, row) => {
    if (oldest >= 0 && order.placedAt >= orders.at(oldest, ORDER.placedAt)) return;
    oldest = row;
    ({ grossMinor: gross, refundedMinor: refunded, counts } = order);
  });
  const day = dayOf(orders.at(oldest, ORDER.placedAt));
  facts.saturated |= SATURATED.orders;
  life[LIFE.foldedCompleted]!++;
  life[LIFE.foldedGrossMinor]! += gross;
  life[LIFE.foldedRefundedMinor]! += refunded;
  life[LIFE.foldedThroughDay] = Math.max(life[LIFE.foldedThroughDay]!, day);
  if (counts) foldCounted(facts, day, gross - refunded);
  removeOrder(facts, oldest);
}

function foldCounted(facts: CustomerFacts, day: number, netMinor: MinorUnits): void {
  const { life } = facts;
  const first = life[LIFE.foldedOrders] === 0;
  // Folding goes from the oldest on, so a day is new unless it is the last one folded.
  if (first || day !== life[LIFE.foldedLastDay]) life[LIFE.foldedDays]!++;
  life[LIFE.foldedFirstDay] = first ? day : Math.min(life[LIFE.foldedFirstDay]!, day);
  life[LIFE.foldedLastDay] = first ? day : Math.max(life[LIFE.foldedLastDay]!, day);
  life[LIFE.foldedOrders]!++;
  life[LIFE.foldedNetMinor]! += netMinor;
  const row = dayRow(facts, day);
  if (row < 0) return;
  facts.days.add(row, DAY.foldedOrders, 1);
  facts.days.add(row, DAY.foldedNetMinor, netMinor);
}

function removeOrder(facts: CustomerFacts, row: number): void {
  const { orders, refunds } = facts;
  const id = { hi: orders.at(row, ORDER.idHi), lo: orders.at(row, ORDER.idLo) };
  const refund = lowerBound64(refunds, id.hi, id.lo);
  let count = 0;
  while (isOrder(refunds, refund + count, id)) count++;
  refunds.remove(refund, count);
  orders.remove(row);
}
