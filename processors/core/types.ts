/**
 * The words of the core: what it is told (`CustomerInput`), what it answers (`Outcome`, `Effect`), what it asks
 * models for (`Evaluation`, `RawScores`) and the settings that change its answers. Facts have their own file.
 */
import type {
  CustomerId,
  EpochMs,
  InputTopic,
  LateFor,
  MailOrigin,
  MinorUnits,
  ModelReference,
  OrderKind,
  ProfileFields,
  ScoreCause,
  Session,
} from '../../schemas';

/** Where an input was read: unique per input. */
export interface InputSource {
  topic: InputTopic;
  partition: number;
  offset: number;
  /** Counts the inputs that one record gave; 0 for the first. */
  index: number;
}

interface InputBase {
  customerId: CustomerId;
  /** Timestamp that the log gave the record (for mail: the record that caused it). */
  recordAt: EpochMs;
  source: InputSource;
  /** Set when it came by mail: the origin is what makes a repeat recognisable. */
  mailedFrom: MailOrigin | null;
}

interface MessageBase extends InputBase {
  messageId: string;
  /** Resolved event time: never after `recordAt`. */
  eventAt: EpochMs;
  /** Events that claimed to be more than 5 minutes after their record. */
  clockAhead: boolean;
}

/** Names whose meaning the core knows; every other name is plain own activity. */
export type ActivityName =
  | 'page'
  | 'screen'
  | 'Product Viewed'
  | 'Product Added'
  | 'Checkout Started'
  | 'Post Created'
  | 'Comment Created'
  | 'Post Liked'
  | 'Post Shared'
  | 'Profile Viewed'
  | 'Profile Swiped'
  | 'User Followed'
  | 'User Unfollowed'
  | 'Connection Accepted'
  | 'Connection Removed'
  | 'Message Sent'
  | 'Gig Application Submitted'
  | 'Gig Hired'
  | 'Gig Completed'
  | 'Gig Cancelled'
  | 'Gig Rated';

/** An own web event. */
export interface ActivityInput extends MessageBase {
  kind: 'activity';
  /** `page`, `screen`, or the name of the track call as sent. */
  name: string;
  mobile: boolean;
  page: string | null;
  targetUserId: string | null;
  liked: boolean;
  /** 100..500, null when the event carries none. */
  ratingHundredths: number | null;
  /** -1,000,000..1,000,000, null when the event carries none. */
  sentimentMillionths: number | null;
}

export interface OrderInput extends MessageBase {
  kind: 'order';
  action: OrderKind;
  orderId: string;
  /** In the shop's currency; null when the message carries none (a refund without one is the whole order). */
  amountMinor: MinorUnits | null;
}

export interface ProfileInput extends MessageBase {
  kind: 'profile';
  fields: ProfileFields;
  /** The anonymous id that an `identify` named beside the user id: recorded for a later merge. */
  anonymousId: string | null;
}

export interface AttributesInput extends InputBase {
  kind: 'attributes';
  computedAt: EpochMs;
  networkCentrality: number | null;
  avgConnectionStrength: number | null;
}

/** Something that another customer did to this one. */
export interface ReceivedInput extends InputBase {
  kind: 'received';
  name: string;
  eventAt: EpochMs;
  ratingHundredths: number | null;
}

export interface TickInput extends InputBase {
  kind: 'tick';
  dueAt: EpochMs;
}

export interface RescoreInput extends InputBase {
  kind: 'rescore';
  cause: Extract<ScoreCause, 'command' | 'model'>;
}

export interface EraseInput extends InputBase {
  kind: 'erase';
}

/** Inputs that carry a message id and an event time. */
export type MessageInput = ActivityInput | OrderInput | ProfileInput;

export type CustomerInput =
  | ActivityInput
  | OrderInput
  | ProfileInput
  | AttributesInput
  | ReceivedInput
  | TickInput
  | RescoreInput
  | EraseInput;

/** Every input ends in exactly one of these (`passedOn` and undecodable ones are the runner's). */
export type Outcome =
  | { kind: 'applied' }
  | { kind: 'appliedLate'; lateFor: LateFor; lateByMs: number }
  | { kind: 'duplicate' }
  /** From before an erasure. */
  | { kind: 'ignored' };

/** What the core wants done. Data, never a promise. */
export type Effect =
  | { kind: 'session'; session: Session }
  | { kind: 'mail'; to: CustomerId; name: string; eventAt: EpochMs; ratingHundredths: number | null }
  | { kind: 'late'; name: string; messageId: string; eventAt: EpochMs; lateFor: LateFor; lateByMs: number }
  /** The customer's state was removed by command; the receipt carries when. */
  | { kind: 'erased'; at: EpochMs }
  /** An anonymous customer fell silent for 93 days: forget it. */
  | { kind: 'dropped'; at: EpochMs };

/** Newest record timestamp that the lane has read of each topic: what the duplicate window is trimmed by. */
export type TopicClocks = Readonly<Record<InputTopic, EpochMs>>;

/** The facts that scores and alerts need beside the vector, taken at the instant of the evaluation. */
export interface Evaluation {
  customerId: CustomerId;
  asOf: EpochMs;
  /** `NEVER` when nothing is left to change. */
  validUntil: EpochMs;
  cause: ScoreCause;
  lastOwnActivityAt: EpochMs | null;
  /** Orders that count, lifetime. */
  orders: number;
  /** Net of refunds, lifetime. */
  revenueMinor: MinorUnits;
  /** Widening age in days; null without an order that counts. */
  daysSinceLastOrder: number | null;
  sessionsLast30Days: number;
  /** 16 hex digits over the vector's bytes. */
  vectorHash: string;
}

/** Answers of the models for one vector, by model name. `ltv` is the expected revenue of 180 days in major units. */
export interface RawScores {
  engagement: number;
  churn: number;
  ltv: number;
}

/** Clipped min-max bounds, frozen in the artifact. */
export interface NormalisationRange {
  min: number;
  max: number;
}

/** What the interpretation of raw scores needs of the models behind them. */
export interface ScoringConstants {
  models: ModelReference[];
  /** Fingerprint of the feature layout. */
  layout: string;
  rfm: {
    daysSinceLastOrder: NormalisationRange;
    ordersLifetime: NormalisationRange;
    sessionsLast30Days: NormalisationRange;
    lnRevenueLifetime: NormalisationRange;
  };
  /** The top decile of ltv begins here. */
  vipLtvMinor: MinorUnits;
}

/** Settings that change what the core answers. Defaults in `settings.ts`. */
export interface CoreSettings {
  /** ISO 4217 code that the shop scores in. */
  currency: string;
  /** Added to the 30-minute gap before a session is closed and published. */
  sessionGraceMs: number;
  publish: {
    engagementDelta: number;
    churnDelta: number;
    /** Relative. */
    ltvShare: number;
  };
  alerts: {
    churnRaise: number;
    churnClear: number;
    inactiveDays: number;
    dropRaise: number;
    dropExpiryMs: number;
    /** Share of the vip constant below which vipAtRisk clears. */
    vipClearShare: number;
  };
}
