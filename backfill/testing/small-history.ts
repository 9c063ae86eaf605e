/** Small hand-made histories for tests of datasets. */
import type { EpochMs, OrderKind, WireInputs } from '../../schemas';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../schemas';
import { hash64 } from '../../processors/core';
import type { HistoryRecord } from '../dataset';

export const START = Date.UTC(2025, 0, 1);
export const END = START + 330 * DAY_MS;
export const RANGE = { startAt: START, endAt: END };

/** 0..1, the same for the same text. */
export const draw = (text: string): number => hash64(text).hi / 2 ** 32;

const identity = (userId: string, messageId: string) => ({ messageId, userId, anonymousId: null });
const at = (eventAt: EpochMs) => ({
  timestamp: eventAt,
  originalTimestamp: null,
  sentAt: null,
  receivedAt: null,
});

export function visit(
  userId: string,
  eventAt: EpochMs,
  lateMs = 0,
  target: string | null = null,
): HistoryRecord {
  const value: WireInputs['web-events'] = {
    ...identity(userId, `v-${userId}-${eventAt}-${target ?? ''}`),
    ...at(eventAt),
    type: target === null ? 'page' : 'track',
    event: target === null ? null : 'Post Liked',
    page: '/',
    deviceType: null,
    channel: null,
    sessionId: null,
    targetUserId: target,
    liked: null,
    rating: null,
    sentiment: null,
    order: null,
    traits: null,
    properties: {},
    truncated: false,
  };
  return { topic: 'web-events', recordAt: eventAt + lateMs, value };
}

export function purchase(
  userId: string,
  orderId: string,
  eventAt: EpochMs,
  revenueMinor: number,
  kind: OrderKind = 'completed',
): HistoryRecord {
  const order = {
    orderId,
    revenueMinor,
    subtotalMinor: null,
    totalMinor: null,
    shippingMinor: null,
    taxMinor: null,
    currency: null,
  };
  const value = { ...identity(userId, `${kind}-${orderId}-${eventAt}`), ...at(eventAt), kind, order };
  return { topic: 'orders', recordAt: eventAt, value };
}

export const inOrder = (records: HistoryRecord[]): HistoryRecord[] =>
  records.sort((one, other) => one.recordAt - other.recordAt);

/**
 * Visits, likes and orders of `customers` people with rates of their own, until each falls silent; some come late. Another
 * `prefix` of their ids is another history.
 */
export function smallHistory(customers: number, prefix = 'c'): HistoryRecord[] {
  const records: HistoryRecord[] = [];
  for (let number = 0; number < customers; number++) {
    const id = `${prefix}${number}`;
    const gapDays = 0.5 + 8 * draw(`rate ${id}`);
    const stopsAt = START + 400 * DAY_MS * draw(`stop ${id}`);
    let when = START + 40 * DAY_MS * draw(`first ${id}`);
    for (let event = 0; when < Math.min(stopsAt, END - 2 * DAY_MS); event++) {
      const chance = draw(`${id} ${event}`);
      const late = chance < 0.1 ? Math.floor(chance * 15 * DAY_MS) : MINUTE_MS;
      const eventAt = Math.floor(when);
      records.push(visit(id, eventAt, late, chance > 0.8 ? `${prefix}${(number + 1) % customers}` : null));
      if (chance > 0.7)
        records.push(purchase(id, `${id}-${event}`, eventAt, 1_000 + Math.floor(9_000 * chance)));
      when += 0.05 * HOUR_MS + gapDays * DAY_MS * 2 * draw(`gap ${id} ${event}`);
    }
  }
  return inOrder(records);
}
