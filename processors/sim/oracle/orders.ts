/** Orders from all their messages, read again each time. */
import type { EpochMs } from '../../../schemas';
import type { OrderInput } from '../../core';

export interface OracleOrder {
  placedAt: EpochMs;
  grossMinor: number;
  refundedMinor: number;
  /** Neither cancelled nor wholly refunded. */
  counts: boolean;
}

/** Completed orders. */
export function ordersOf(messages: readonly OrderInput[]): OracleOrder[] {
  const byId = new Map<string, OrderInput[]>();
  for (const message of messages) byId.set(message.orderId, [...(byId.get(message.orderId) ?? []), message]);
  return [...byId.values()].flatMap(orderOf);
}

/** Refunds are a set by message id; one without an amount is the whole order. */
function orderOf(messages: readonly OrderInput[]): OracleOrder[] {
  const of = (...actions: OrderInput['action'][]): OrderInput[] =>
    messages.filter(({ action }) => actions.includes(action));
  const completed = of('completed');
  if (completed.length === 0) return [];
  const revisions = of('completed', 'updated');
  const newest = Math.max(...revisions.map(({ eventAt }) => eventAt));
  const priced = revisions.filter(({ amountMinor }) => amountMinor !== null);
  const pricedAt = Math.max(...priced.map(({ eventAt }) => eventAt));
  const amounts = priced.filter(({ eventAt }) => eventAt === pricedAt).map(({ amountMinor }) => amountMinor!);
  const grossMinor = amounts.length === 0 ? 0 : Math.max(0, ...amounts);
  const refunds = new Map<string, number>();
  for (const { messageId, amountMinor } of of('refunded')) {
    const stated = amountMinor ?? Infinity;
    refunds.set(messageId, Math.max(refunds.get(messageId) ?? 0, stated));
  }
  const refunded = [...refunds.values()].reduce(
    (sum, stated) => sum + (stated === Infinity ? grossMinor : stated),
    0,
  );
  const isCancelled = of('cancelled').some(({ eventAt }) => eventAt >= newest);
  const isWhollyRefunded = refunds.size > 0 && refunded >= grossMinor;
  return [
    {
      placedAt: Math.min(...completed.map(({ eventAt }) => eventAt)),
      grossMinor,
      refundedMinor: Math.min(refunded, grossMinor),
      counts: !isCancelled && !isWhollyRefunded,
    },
  ];
}
