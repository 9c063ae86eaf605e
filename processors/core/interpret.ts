/** From raw model outputs to a score, its alerts and the ledger: the second pure half around the models. */
import type { Alert, EngagementScore } from '../../schemas';
import { NEVER } from '../../schemas';
import { judgeAlerts, noteDayEnd, standingAlerts } from './alerts';
import { hash64, hashHex } from './hash';
import type { ScoreLedger, ScoreValues } from './ledger';
import { rfmScore, segmentOf, statusOf } from './rfm';
import type { CoreSettings, Evaluation, RawScores, ScoringConstants } from './types';

export interface Interpretation {
  /** null: nothing published moved far enough, the score is suppressed. */
  score: EngagementScore | null;
  /** Changes of alert states; their `scoreId` is filled in when the score gets its message id. */
  alerts: Alert[];
}

export interface ScoringPlace {
  epoch: number;
  position: EngagementScore['position'];
}

const clip01 = (value: number): number => Math.min(Math.max(value, 0), 1);

/** Net to date plus the expected revenue of 180 days. */
export const ltvMinorOf = (revenueMinor: number, expected: number): number =>
  revenueMinor + Math.round(100 * Math.max(0, expected));

/** Changes the ledger. Raw outputs must be finite: the scorer refuses a model that gives anything else. */
export function interpret(
  raw: RawScores,
  evaluation: Evaluation,
  ledger: ScoreLedger,
  constants: ScoringConstants,
  settings: CoreSettings,
  place: ScoringPlace,
): Interpretation {
  ledger.epoch = place.epoch;
  ledger.sequence++;
  const rfm = rfmScore(evaluation, constants.rfm);
  const values: ScoreValues = {
    asOf: evaluation.asOf,
    engagement: clip01(raw.engagement),
    churn30d: clip01(raw.churn),
    ltvMinor: ltvMinorOf(evaluation.revenueMinor, raw.ltv),
    segment: segmentOf(rfm.score),
    status: statusOf(evaluation),
    models: modelsKey(constants),
  };
  const situation = { evaluation, values, ledger, constants, settings };
  const alerts = judgeAlerts(evaluation.customerId, situation);
  if (evaluation.cause === 'recovery')
    alerts.push(...standingAlerts(evaluation.customerId, situation, alerts));
  noteDayEnd(ledger, evaluation.asOf, values.engagement);
  const publishes = alerts.length > 0 || hasMoved(ledger.published, values, evaluation, settings);
  ledger.newest = values;
  if (!publishes) return { score: null, alerts };
  ledger.published = values;
  return { score: scoreOf(evaluation, values, rfm, ledger, constants, settings, place), alerts };
}

/** A short text for the models behind a score (it is stored with every customer), made once for each set of them. */
export function modelsKey(constants: ScoringConstants): string {
  let key = modelKeys.get(constants);
  if (key === undefined) {
    key = hashHex(hash64(constants.models.map(({ name, version }) => `${name}@${version}`).join(' ')));
    modelKeys.set(constants, key);
  }
  return key;
}
const modelKeys = new WeakMap<ScoringConstants, string>();

/** The publish rule: the first, on command, or when a published value moved since the last one published. */
function hasMoved(
  published: ScoreValues | null,
  values: ScoreValues,
  { cause }: Evaluation,
  { publish }: CoreSettings,
): boolean {
  if (published === null || cause === 'command' || cause === 'recovery') return true;
  return (
    published.segment !== values.segment ||
    published.status !== values.status ||
    published.models !== values.models ||
    Math.abs(published.engagement - values.engagement) >= publish.engagementDelta ||
    Math.abs(published.churn30d - values.churn30d) >= publish.churnDelta ||
    Math.abs(published.ltvMinor - values.ltvMinor) >=
      Math.max(1, publish.ltvShare * Math.abs(published.ltvMinor))
  );
}

function scoreOf(
  evaluation: Evaluation,
  values: ScoreValues,
  rfm: EngagementScore['rfm'],
  ledger: ScoreLedger,
  constants: ScoringConstants,
  settings: CoreSettings,
  place: ScoringPlace,
): EngagementScore {
  return {
    customerId: evaluation.customerId,
    asOf: evaluation.asOf,
    validUntil: evaluation.validUntil === NEVER ? null : evaluation.validUntil,
    cause: evaluation.cause,
    epoch: ledger.epoch,
    sequence: ledger.sequence,
    engagement: values.engagement,
    churn30d: values.churn30d,
    ltvMinor: values.ltvMinor,
    currency: settings.currency,
    rfm,
    segment: values.segment,
    status: values.status,
    anomaly: null,
    cluster: null,
    reasons: [],
    models: constants.models,
    layout: constants.layout,
    position: place.position,
    vectorHash: evaluation.vectorHash,
    vector: null,
  };
}
