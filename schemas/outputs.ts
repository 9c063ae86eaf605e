/** What goes out, decoded: one type per output topic. Infinite and undefined numbers are null. */
import type { CustomerId, EpochMs, MinorUnits } from './units';
import type { InputTopic, Positions } from './topics';

export type ScoreCause = 'event' | 'tick' | 'model' | 'command' | 'recovery';
export type RfmSegment = 'high' | 'medium' | 'low' | 'atRisk';
export type CustomerStatus = 'active' | 'browsingOnly' | 'notActive';
export type AlertKind = 'churnRisk' | 'inactive' | 'engagementDrop' | 'vipAtRisk';
export type AlertState = 'raised' | 'cleared';

export interface Reason {
  model: string;
  feature: string;
  value: number | null;
  contribution: number;
}

export interface ModelReference {
  name: string;
  version: string;
}

export interface RfmScore {
  /** All 0..1, rounded to 1e-9. */
  score: number;
  recency: number;
  frequency: number;
  monetary: number;
}

export interface EngagementScore {
  customerId: CustomerId;
  asOf: EpochMs;
  /** With no further input the vector stays the same until then; null = for ever. */
  validUntil: EpochMs | null;
  cause: ScoreCause;
  epoch: number;
  /** The customer's count of evaluations; consumers keep the highest (epoch, sequence). */
  sequence: number;
  /** Expected share of active days in the next 30, 0..1. */
  engagement: number;
  /** P(no own activity in the next 30 days), 0..1. */
  churn30d: number;
  /** Net revenue to date plus expected revenue of the next 180 days. */
  ltvMinor: MinorUnits;
  currency: string;
  rfm: RfmScore;
  segment: RfmSegment;
  status: CustomerStatus;
  anomaly: number | null;
  cluster: string | null;
  /**
   * Of each model that can explain: the three largest contributions, then `remainder` and `base` (features of no value),
   * which together are its margin before calibration. `reasonSentence` of the core says a reason in words.
   */
  reasons: Reason[];
  models: ModelReference[];
  /** Fingerprint of the feature layout, hex SHA-256. */
  layout: string;
  /** Offset of the next record of each input at the evaluation: with the archive, enough to recompute the vector. */
  position: { partition: number } & Positions;
  /** 64-bit hash of the vector's bytes, 16 hex digits. */
  vectorHash: string;
  /** The vector itself, in one score of some (`publish.vectorShare`), by the order of the layout: a difference can then be named. */
  vector: readonly (number | null)[] | null;
}

export interface Alert {
  customerId: CustomerId;
  kind: AlertKind;
  state: AlertState;
  /** When the condition began (raised) or ended (cleared). */
  since: EpochMs;
  asOf: EpochMs;
  /** The same for a raise and its clearing. */
  alertId: string;
  /** Message id of the score behind it. */
  scoreId: string;
  /** One sentence for a person, made from facts. */
  sentence: string;
}

export interface Session {
  customerId: CustomerId;
  /** Customer id and start. */
  sessionId: string;
  startAt: EpochMs;
  endAt: EpochMs;
  events: number;
  pageViews: number;
  productViews: number;
  cartAdds: number;
  checkouts: number;
  entryPage: string | null;
  exitPage: string | null;
  /** 1 when first published; higher when a late event changed it. */
  revision: number;
  /** Session ids that this one replaces. */
  supersedes: string[];
}

/** What an event came too late for: the sessions or days that are gone, or a revision of a folded order. */
export type LateFor = 'sessions' | 'days' | 'foldedOrder';

export interface LateEvent {
  customerId: CustomerId;
  messageId: string;
  name: string;
  eventAt: EpochMs;
  recordAt: EpochMs;
  lateFor: LateFor;
  lateByMs: number;
  source: { topic: InputTopic; partition: number; offset: number };
}

export type DeadLetterStage = 'read' | 'decode' | 'validate' | 'route' | 'publish';

export interface DeadLetter {
  source: { topic: string; partition: number; offset: number };
  /** File and line for replays of files. */
  origin: string | null;
  stage: DeadLetterStage;
  /** Stable code of errors.ts. */
  code: string;
  /** Names the field and the remedy. */
  reason: string;
  /** The first 64 KB. */
  bytes: Uint8Array;
  size: number;
  /** Hex SHA-256 of all bytes. */
  digest: string;
}

export interface WireOutputs {
  'engagement-scores': EngagementScore;
  'engagement-alerts': Alert;
  sessions: Session;
  'late-events': LateEvent;
  'dead-letters': DeadLetter;
}
