/**
 * All that the state holds of one customer as plain JSON: for `export` (the right of access) and the base of
 * `explain`. Times are ISO text, money is integer minor units; nothing held is left out.
 */
import {
  CATALOGUE,
  DAY,
  LIFE,
  SPAN,
  activeDaysOf,
  forEachOrder,
  toVector,
  type Customer,
  type CustomerFacts,
} from '../../processors/core';
import { midnight, type EpochDay, type EpochMs } from '../../schemas';
import { instant } from '../output/format';

const at = (value: EpochMs | undefined): string | null =>
  value === undefined || !Number.isFinite(value) ? null : instant(value);

const date = (day: EpochDay): string => instant(midnight(day)).slice(0, 10);

/** One row of a table as an object by column name. */
const named = (columns: Readonly<Record<string, number>>, row: number[]): Record<string, number> =>
  Object.fromEntries(Object.entries(columns).map(([name, index]) => [name, row[index]]));

const withoutZeros = (row: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== 0));

const hex = (hi: number, lo: number): string =>
  [hi, lo].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('');

function profileOf({ profile }: CustomerFacts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(profile).map(([field, register]: [string, { at: EpochMs; value: unknown }]) => [
      field,
      { value: field === 'createdAt' ? at(register.value as number) : register.value, said: at(register.at) },
    ]),
  );
}

function ordersOf(facts: CustomerFacts): Record<string, unknown>[] {
  const worths = new Map<number, Record<string, unknown>>();
  forEachOrder(facts, (order, row) =>
    worths.set(row, {
      placedAt: at(order.placedAt),
      grossMinor: order.grossMinor,
      refundedMinor: order.refundedMinor,
      counts: order.counts,
    }),
  );
  return facts.orders.toRows().map((row, index) => ({
    orderIdHash: hex(row[0], row[1]),
    ...(worths.get(index) ?? { pending: true }),
  }));
}

/** Every number of the lifetime part by name; the instants beside them. */
function lifetimeOf(facts: CustomerFacts): Record<string, unknown> {
  const life = Array.from(facts.life);
  return {
    firstSeenAt: at(facts.firstSeenAt),
    lastOwnActivityAt: at(facts.lastOwnActivityAt),
    erasedAt: at(facts.erasedAt),
    ...named(LIFE, life),
  };
}

export function factsAsJson(facts: CustomerFacts): Record<string, unknown> {
  return {
    clock: at(facts.clock),
    lifetime: lifetimeOf(facts),
    profile: profileOf(facts),
    attributes: facts.attributes && { ...facts.attributes, computedAt: at(facts.attributes.computedAt) },
    sessions: facts.sessions.toRows().map(row => {
      const span = named(SPAN, row);
      return { ...span, start: at(span['start']), end: at(span['end']) };
    }),
    pages: facts.pages.map(pages => ({
      ...pages,
      start: at(pages.start),
      entryAt: at(pages.entryAt),
      exitAt: at(pages.exitAt),
    })),
    days: facts.days.toRows().map(row => {
      const { day, ...counters } = named(DAY, row);
      return { day: date(day), ...withoutZeros(counters) };
    }),
    activeDays: activeDaysOf(facts).map(date),
    orders: ordersOf(facts),
    refunds: facts.refunds.toRows().map(row => ({
      orderIdHash: hex(row[0], row[1]),
      messageIdHash: hex(row[2], row[3]),
      ...(row[5] === 1 ? { wholeOrder: true } : { amountMinor: row[4] }),
    })),
    recentMessages: facts.recentIds
      .toRows()
      .map(row => ({ recordAt: at(row[0]), messageIdHash: hex(row[2], row[3]) })),
    saturated: facts.saturated !== 0,
  };
}

/** The vector by feature name; undefined values are null. */
export function featuresAsJson(facts: CustomerFacts, asOf: EpochMs): Record<string, number | null> {
  const vector = toVector(facts, asOf);
  return Object.fromEntries(
    CATALOGUE.map((feature, index) => [feature.name, Number.isNaN(vector[index]) ? null : vector[index]]),
  );
}

export function ledgerAsJson({ ledger }: Customer): Record<string, unknown> {
  const values = ledger.newest ?? ledger.published;
  return {
    epoch: ledger.epoch,
    sequence: ledger.sequence,
    newest: values && { ...values, asOf: at(values.asOf) },
    published: ledger.published && { ...ledger.published, asOf: at(ledger.published.asOf) },
    alerts: ledger.alerts.map(alert => ({
      kind: alert.kind,
      alertId: alert.alertId,
      since: at(alert.since),
      raisedAt: at(alert.raisedAt),
    })),
    dayEnds: ledger.dayEnds.map(end => ({
      day: instant(midnight(end.day)).slice(0, 10),
      engagement: end.engagement,
    })),
    publishedSessions: ledger.sessions.map(session => ({
      ...session,
      start: at(session.start),
      end: at(session.end),
    })),
  };
}
