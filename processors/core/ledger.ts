/**
 * What was said about a customer: last published score, alert latches, counters, published sessions. It depends
 * on the path taken (which scores batching evaluates), so it lives beside the facts and converges with nothing.
 */
import type { AlertKind, CustomerStatus, EpochDay, EpochMs, MinorUnits, RfmSegment } from '../../schemas';
import { NEVER } from '../../schemas';
import type { CoreSettings } from './types';

export const ALERT_KINDS: readonly AlertKind[] = ['churnRisk', 'inactive', 'engagementDrop', 'vipAtRisk'];

export interface ScoreValues {
  asOf: EpochMs;
  engagement: number;
  churn30d: number;
  ltvMinor: MinorUnits;
  segment: RfmSegment;
  status: CustomerStatus;
  /** Hash of the names and versions of the models. */
  models: string;
}

export interface AlertLatch {
  kind: AlertKind;
  since: EpochMs;
  alertId: string;
  /** When it was raised: engagementDrop ends by time. */
  raisedAt: EpochMs;
  /** engagementDrop: the engagement at which it clears. */
  clearAt: number;
}

/** Engagement at the end of a day on which it was evaluated. */
export interface DayEnd {
  day: EpochDay;
  engagement: number;
}

export interface PublishedSession {
  start: EpochMs;
  end: EpochMs;
  events: number;
  revision: number;
}

export interface ScoreLedger {
  /** Of the last evaluation: (epoch, sequence) strictly increases. */
  epoch: number;
  sequence: number;
  published: ScoreValues | null;
  newest: ScoreValues | null;
  alerts: AlertLatch[];
  /** Oldest first, at most nine: the day in progress and the eight before. */
  dayEnds: DayEnd[];
  /** Sessions that ended at or before this were handled: published, or too late to be. */
  settledThrough: EpochMs;
  /** Of the last two days and a gap: what a late event may still change. */
  sessions: PublishedSession[];
}

export const newLedger = (): ScoreLedger => ({
  epoch: 0,
  sequence: 0,
  published: null,
  newest: null,
  alerts: [],
  dayEnds: [],
  settledThrough: -Infinity,
  sessions: [],
});

export const copyLedger = (ledger: ScoreLedger): ScoreLedger => ({
  ...ledger,
  published: ledger.published && { ...ledger.published },
  newest: ledger.newest && { ...ledger.newest },
  alerts: ledger.alerts.map(alert => ({ ...alert })),
  dayEnds: ledger.dayEnds.map(end => ({ ...end })),
  sessions: ledger.sessions.map(session => ({ ...session })),
});

export const latchOf = (ledger: ScoreLedger, kind: AlertKind): AlertLatch | undefined =>
  ledger.alerts.find(alert => alert.kind === kind);

/** The instant at which the ledger itself has something to say: alerts that end by time. */
export function ledgerWake(ledger: ScoreLedger, settings: CoreSettings): EpochMs {
  const drop = latchOf(ledger, 'engagementDrop');
  return drop === undefined ? NEVER : drop.raisedAt + settings.alerts.dropExpiryMs;
}
