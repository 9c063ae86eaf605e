/** The world as JSON lines in the Segment shape: what a tracker would have sent. */
import type { EpochMs, OrderFields, OrderKind, ProfileFields, WebEvent } from '../../../schemas';
import type { WorldRecord } from './arrivals';

const ORDER_EVENTS: Record<OrderKind, string> = {
  completed: 'Order Completed',
  updated: 'Order Updated',
  refunded: 'Order Refunded',
  cancelled: 'Order Cancelled',
};

const iso = (at: EpochMs | null): string | undefined =>
  at === null ? undefined : new Date(at).toISOString();
const major = (minor: number | null): number | undefined => (minor === null ? undefined : minor / 100);
const said = <T>(value: T | null): T | undefined => value ?? undefined;

/** One line, without its end. */
export function toSegmentLine(record: WorldRecord): string {
  const { value } = record;
  const common = {
    messageId: value.messageId,
    userId: said(value.userId),
    anonymousId: said(value.anonymousId),
    timestamp: iso(value.timestamp),
    originalTimestamp: iso(value.originalTimestamp),
    sentAt: iso(value.sentAt),
    receivedAt: iso(record.recordAt),
  };
  switch (record.topic) {
    case 'web-events':
      return JSON.stringify({ ...common, ...webEvent(record.value) });
    case 'orders':
      return JSON.stringify({
        ...common,
        type: 'track',
        event: ORDER_EVENTS[record.value.kind],
        properties: orderProperties(record.value.order),
      });
    case 'customers':
      return JSON.stringify({ ...common, type: 'profile', traits: traitsOf(record.value.traits) });
  }
}

function webEvent(value: WebEvent): object {
  const { type, event, page, deviceType, targetUserId, liked, rating, sentiment } = value;
  return {
    type,
    event: said(event),
    name: type === 'screen' ? said(page) : undefined,
    context: { device: { type: said(deviceType) } },
    properties: {
      path: type === 'screen' ? undefined : said(page),
      targetUserId: said(targetUserId),
      liked: said(liked),
      rating: said(rating),
      sentiment: said(sentiment),
    },
  };
}

const orderProperties = ({ orderId, revenueMinor }: OrderFields): object => ({
  order_id: orderId,
  revenue: major(revenueMinor),
});

const traitsOf = ({ createdAt, accountType, location, ...rest }: ProfileFields): object => ({
  createdAt: iso(createdAt),
  plan: said(accountType),
  location: said(location),
  profileCompleteness: said(rest.profileCompleteness),
  skills: said(rest.skills),
  ageBand: said(rest.ageBand),
  gender: said(rest.gender),
});
