/** Alerts with hysteresis: latches in the ledger, and a sentence made from facts for a person to read. */
import type { Alert, AlertKind, CustomerId, EpochMs } from '../../schemas';
import { DAY_MS, dayOf, midnight } from '../../schemas';
import { isoDate } from './calendar';
import { hash64, hashHex } from './hash';
import { latchOf } from './ledger';
import type { AlertLatch, ScoreLedger, ScoreValues } from './ledger';
import type { CoreSettings, Evaluation, ScoringConstants } from './types';

interface Situation {
  evaluation: Evaluation;
  values: ScoreValues;
  ledger: ScoreLedger;
  constants: ScoringConstants;
  settings: CoreSettings;
}

/** How many finished days the engagement is compared with. */
const DROP_DAYS = 8;

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const amount = (minor: number): string => (minor / 100).toFixed(2);
const idleDays = (e: Evaluation): number =>
  e.lastOwnActivityAt === null ? -1 : dayOf(e.asOf) - dayOf(e.lastOwnActivityAt);

/** Highest engagement at the end of the last eight days before the as-of's; -Infinity when there is none. */
export function recentHigh(ledger: ScoreLedger, asOf: EpochMs): number {
  const today = dayOf(asOf);
  let high = -Infinity;
  for (let at = ledger.dayEnds.length - 1; at >= 0; at--) {
    const end = ledger.dayEnds[at]!;
    if (end.day >= today) continue;
    high = Math.max(high, end.engagement);
    // The value of an older day stood until its next evaluation; beyond the window only the newest such one counts.
    if (end.day <= today - DROP_DAYS) break;
  }
  return high;
}

/** Notes the engagement of the as-of's day and forgets what no window reaches. */
export function noteDayEnd(ledger: ScoreLedger, asOf: EpochMs, engagement: number): void {
  const day = dayOf(asOf);
  const last = ledger.dayEnds[ledger.dayEnds.length - 1];
  if (last !== undefined && last.day >= day) last.engagement = engagement;
  else ledger.dayEnds.push({ day, engagement });
  while (ledger.dayEnds.length > 1 && ledger.dayEnds[1]!.day <= day - DROP_DAYS) ledger.dayEnds.shift();
}

interface Rule {
  kind: AlertKind;
  raises(s: Situation): boolean;
  clears(s: Situation, latch: AlertLatch): boolean;
  /** When the condition began. */
  since(s: Situation): EpochMs;
  /** The sentence of a raise and of a clearing. */
  raisedBecause(s: Situation): string;
  clearedBecause(s: Situation, latch: AlertLatch): string;
}

const lastActive = (s: Situation): string =>
  s.evaluation.lastOwnActivityAt === null
    ? 'never active'
    : `last active on ${isoDate(s.evaluation.lastOwnActivityAt)}`;

const churnRisk: Rule = {
  kind: 'churnRisk',
  raises: s => s.values.churn30d >= s.settings.alerts.churnRaise,
  clears: s => s.values.churn30d < s.settings.alerts.churnClear,
  since: s => s.evaluation.asOf,
  raisedBecause: s =>
    `The chance of no activity in the next 30 days is ${percent(s.values.churn30d)}: ${lastActive(s)}, ` +
    `${s.evaluation.sessionsLast30Days} sessions in 30 days, ${s.evaluation.orders} orders so far.`,
  clearedBecause: s =>
    `The chance of no activity in the next 30 days fell to ${percent(s.values.churn30d)}: ${lastActive(s)}.`,
};

const inactive: Rule = {
  kind: 'inactive',
  raises: s => idleDays(s.evaluation) > s.settings.alerts.inactiveDays,
  clears: s => idleDays(s.evaluation) <= s.settings.alerts.inactiveDays,
  since: s => midnight(dayOf(s.evaluation.lastOwnActivityAt!) + s.settings.alerts.inactiveDays + 1),
  raisedBecause: s =>
    `No activity for more than ${s.settings.alerts.inactiveDays} days: ${lastActive(s)}, ` +
    `${s.evaluation.orders} orders worth ${amount(s.evaluation.revenueMinor)} ${s.settings.currency} so far.`,
  clearedBecause: s => `Active again: ${lastActive(s)}.`,
};

const engagementDrop: Rule = {
  kind: 'engagementDrop',
  raises: s => s.values.engagement <= recentHigh(s.ledger, s.evaluation.asOf) - s.settings.alerts.dropRaise,
  clears: (s, latch) =>
    s.values.engagement >= latch.clearAt ||
    s.evaluation.asOf >= latch.raisedAt + s.settings.alerts.dropExpiryMs,
  since: s => s.evaluation.asOf,
  raisedBecause: s =>
    `Engagement fell to ${percent(s.values.engagement)} from ${percent(recentHigh(s.ledger, s.evaluation.asOf))} ` +
    `within ${DROP_DAYS} days: ${lastActive(s)}, ${s.evaluation.sessionsLast30Days} sessions in 30 days.`,
  clearedBecause: (s, latch) =>
    s.values.engagement >= latch.clearAt
      ? `Engagement recovered to ${percent(s.values.engagement)}.`
      : `Engagement has stayed near ${percent(s.values.engagement)} for ${s.settings.alerts.dropExpiryMs / DAY_MS} days: the drop is no longer news.`,
};

const vipAtRisk: Rule = {
  kind: 'vipAtRisk',
  raises: s => latchOf(s.ledger, 'churnRisk') !== undefined && s.values.ltvMinor >= s.constants.vipLtvMinor,
  clears: s =>
    latchOf(s.ledger, 'churnRisk') === undefined ||
    s.values.ltvMinor < s.settings.alerts.vipClearShare * s.constants.vipLtvMinor,
  since: s => s.evaluation.asOf,
  raisedBecause: s =>
    `One of the most valuable customers (worth ${amount(s.values.ltvMinor)} ${s.settings.currency}) may leave: ` +
    `the chance of no activity in the next 30 days is ${percent(s.values.churn30d)}, ${lastActive(s)}.`,
  clearedBecause: s =>
    `No longer a most valuable customer at risk: chance of leaving ${percent(s.values.churn30d)}.`,
};

/** In the order in which they are judged: vipAtRisk reads the latch of churnRisk. */
const RULES: readonly Rule[] = [churnRisk, inactive, engagementDrop, vipAtRisk];

/** Moves the latches of the ledger; returns what changed. `scoreId` is filled in by who publishes the score. */
export function judgeAlerts(customerId: CustomerId, situation: Situation): Alert[] {
  const changes: Alert[] = [];
  for (const rule of RULES) {
    const latch = latchOf(situation.ledger, rule.kind);
    if (latch === undefined && rule.raises(situation)) changes.push(raise(customerId, rule, situation));
    else if (latch !== undefined && rule.clears(situation, latch))
      changes.push(clear(customerId, rule, situation, latch));
  }
  return changes;
}

/** Alerts that stand and are not among `changes`, said again: for readers who may have missed them. */
export function standingAlerts(
  customerId: CustomerId,
  situation: Situation,
  changes: readonly Alert[],
): Alert[] {
  const alerts: Alert[] = [];
  for (const rule of RULES) {
    const latch = latchOf(situation.ledger, rule.kind);
    if (latch === undefined || changes.some(({ kind }) => kind === rule.kind)) continue;
    const { since, alertId } = latch;
    const sentence = rule.raisedBecause(situation);
    alerts.push({ ...head(customerId, rule, situation), state: 'raised', since, alertId, sentence });
  }
  return alerts;
}

function raise(customerId: CustomerId, rule: Rule, s: Situation): Alert {
  const since = rule.since(s);
  const alertId = hashHex(
    hash64(`${customerId}|${rule.kind}|${since}|${s.ledger.epoch}.${s.ledger.sequence}`),
  );
  const high = rule.kind === 'engagementDrop' ? recentHigh(s.ledger, s.evaluation.asOf) : 0;
  s.ledger.alerts.push({
    kind: rule.kind,
    since,
    alertId,
    raisedAt: s.evaluation.asOf,
    clearAt: rule.kind === 'engagementDrop' ? (high + s.values.engagement) / 2 : 0,
  });
  return { ...head(customerId, rule, s), state: 'raised', since, alertId, sentence: rule.raisedBecause(s) };
}

function clear(customerId: CustomerId, rule: Rule, s: Situation, latch: AlertLatch): Alert {
  const sentence = rule.clearedBecause(s, latch);
  s.ledger.alerts = s.ledger.alerts.filter(other => other !== latch);
  // What the drop was measured from is history now; without this the same drop would be raised again at once.
  if (rule.kind === 'engagementDrop')
    s.ledger.dayEnds = s.ledger.dayEnds.filter(end => end.day >= dayOf(latch.raisedAt));
  return {
    ...head(customerId, rule, s),
    state: 'cleared',
    since: s.evaluation.asOf,
    alertId: latch.alertId,
    sentence,
  };
}

const head = (
  customerId: CustomerId,
  rule: Rule,
  s: Situation,
): Pick<Alert, 'customerId' | 'kind' | 'asOf' | 'scoreId'> => ({
  customerId,
  kind: rule.kind,
  asOf: s.evaluation.asOf,
  scoreId: '',
});
