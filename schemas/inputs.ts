/**
 * What is on the wire, decoded: one type per input topic. These mirror schemas/avro/*.avsc field by field;
 * what the fields mean for a customer is decided in processors/core/input.ts, nowhere else.
 */
import type { CustomerId, EpochMs, MinorUnits } from './units';
import type { InputTopic } from './topics';

/** The time fields of the Segment specification, as integer milliseconds. */
export interface TrackerTimes {
  timestamp: EpochMs | null;
  originalTimestamp: EpochMs | null;
  sentAt: EpochMs | null;
  receivedAt: EpochMs | null;
}

export interface TrackerIdentity {
  messageId: string;
  userId: string | null;
  anonymousId: string | null;
}

/** Money of one order message; absolute amounts, not deltas. `currency` null means the shop's own. */
export interface OrderFields {
  orderId: string;
  revenueMinor: MinorUnits | null;
  subtotalMinor: MinorUnits | null;
  totalMinor: MinorUnits | null;
  shippingMinor: MinorUnits | null;
  taxMinor: MinorUnits | null;
  currency: string | null;
}

export type AccountType = 'free' | 'premium' | 'enterprise';
export type LocationKind = 'urban' | 'suburban' | 'rural';

/** Profile fields; null = not said by this message. `ageBand` and `gender` serve fairness reports only. */
export interface ProfileFields {
  createdAt: EpochMs | null;
  accountType: AccountType | null;
  location: LocationKind | null;
  /** 0..100 */
  profileCompleteness: number | null;
  skills: number | null;
  ageBand: string | null;
  gender: string | null;
}

export type WebEventType = 'page' | 'screen' | 'track' | 'identify';

export interface WebEvent extends TrackerIdentity, TrackerTimes {
  type: WebEventType;
  /** Name of a `track` call in the Segment spelling, for example `Product Viewed`; null for the other types. */
  event: string | null;
  /** Path or URL of a page, or name of a screen. */
  page: string | null;
  deviceType: string | null;
  channel: string | null;
  /** The tracker's own session id: kept, never counted. */
  sessionId: string | null;
  targetUserId: string | null;
  liked: boolean | null;
  /** 1..5 */
  rating: number | null;
  /** -1..1 */
  sentiment: number | null;
  /** Present when `event` is one of the order names. */
  order: OrderFields | null;
  /** Present for `identify`. */
  traits: ProfileFields | null;
  /** At most 64 entries of at most 256 bytes; longer ones are cut and `truncated` is set. */
  properties: Record<string, string>;
  truncated: boolean;
}

export type OrderKind = 'completed' | 'updated' | 'refunded' | 'cancelled';

export interface OrderEvent extends TrackerIdentity, TrackerTimes {
  kind: OrderKind;
  order: OrderFields;
}

export interface CustomerProfile extends TrackerIdentity, TrackerTimes {
  traits: ProfileFields;
}

export type CommandKind = 'tick' | 'rescore' | 'attributes' | 'erase';

export interface CustomerCommand {
  customerId: CustomerId;
  kind: CommandKind;
  /** tick: the instant that was due. */
  dueAt: EpochMs | null;
  /** rescore: why (`command` or `model`). */
  cause: 'command' | 'model' | null;
  networkCentrality: number | null;
  avgConnectionStrength: number | null;
  computedAt: EpochMs | null;
}

/** The input that caused a mail: identity of the mail, exactly once per (topic, partition, offset, index). */
export interface MailOrigin {
  topic: InputTopic;
  partition: number;
  offset: number;
  index: number;
  /** Record timestamp of the input that caused it; it counts as the mail's own. */
  recordAt: EpochMs;
}

/** Something that another customer did to this one. */
export interface Interaction {
  name: string;
  eventAt: EpochMs;
  /** Hundredths, 100..500. */
  ratingHundredths: number | null;
}

export interface CustomerMail {
  customerId: CustomerId;
  origin: MailOrigin;
  /** Exactly one of the two is present: an interaction received, or an input that was keyed wrongly. */
  interaction: Interaction | null;
  forwarded: { topic: Exclude<InputTopic, 'customer-mail'>; value: Uint8Array } | null;
}

export interface WireInputs {
  'web-events': WebEvent;
  orders: OrderEvent;
  customers: CustomerProfile;
  'customer-commands': CustomerCommand;
  'customer-mail': CustomerMail;
}
