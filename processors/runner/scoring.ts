/** Step 6 of the lane, second half: one call of the models for all evaluations, then each customer's answers in order. */
import type { Alert, Positions } from '../../schemas';
import { interpret } from '../core';
import type { CoreSettings, RawScores } from '../core';
import type { OutgoingMessage, RawScoreColumns, Scorer } from '../ports';
import type { Draft, EvaluationRow, Touched, VectorRows } from './draft';
import { ALERT_KINDS, alertKey } from './messages';
import type { MessageWriter } from './messages';
import type { LaneMetrics, StageTimer } from './metrics';

export interface ScoringTools {
  scorer: Scorer;
  writer: MessageWriter;
  core: CoreSettings;
  vectors: VectorRows;
  partition: number;
  epoch: number;
  timer: StageTimer;
}

/** Messages of all customers, in the order in which they were first touched. Moves their ledgers. */
export async function scoreDraft(
  draft: Draft,
  to: Positions,
  tools: ScoringTools,
): Promise<OutgoingMessage[]> {
  const { scorer, vectors, timer } = tools;
  const raw = vectors.rows > 0 ? await scorer.score(vectors.cells, vectors.rows) : null;
  timer.took('inference');
  const messages: OutgoingMessage[] = [];
  for (const touched of draft.customers.values()) {
    for (const message of touched.tombstones) messages.push(message);
    for (const row of touched.evaluations) say(row, touched, raw!, to, draft.counts, messages, tools);
    for (const message of touched.messages) messages.push(message);
  }
  timer.took('interpret');
  return messages;
}

const rowOf = ({ engagement, churn, ltv }: RawScoreColumns, row: number): RawScores => ({
  engagement: engagement[row]!,
  churn: churn[row]!,
  ltv: ltv[row]!,
});

function say(
  { evaluation, row, position }: EvaluationRow,
  { customer }: Touched,
  raw: RawScoreColumns,
  to: Positions,
  counts: LaneMetrics,
  messages: OutgoingMessage[],
  { scorer, writer, core, partition, epoch }: ScoringTools,
): void {
  const place = { epoch, position: { partition, ...(position ?? to) } };
  const { score, alerts } = interpret(
    rowOf(raw, row),
    evaluation,
    customer.ledger,
    scorer.constants,
    core,
    place,
  );
  counts.evaluations++;
  if (score === null) {
    counts.suppressed++;
    return;
  }
  counts.published[evaluation.cause]++;
  const message = writer.score(score);
  messages.push(message);
  for (const alert of alerts) {
    countAlert(alert, evaluation.cause === 'recovery', counts);
    messages.push(writer.alert({ ...alert, scoreId: message.id }));
  }
  if (evaluation.cause === 'recovery')
    messages.push(...absentAlerts(alerts, evaluation.customerId, evaluation.asOf, writer));
}

function countAlert(alert: Alert, isRepeat: boolean, counts: LaneMetrics): void {
  if (!isRepeat) counts[alert.state === 'raised' ? 'alertsRaised' : 'alertsCleared'][alert.kind]++;
}

/** After a recovery the compacted topic may hold alerts that the ledger does not know. */
const absentAlerts = (
  present: readonly Alert[],
  customerId: string,
  asOf: number,
  writer: MessageWriter,
): OutgoingMessage[] =>
  ALERT_KINDS.filter(kind => !present.some(alert => alert.kind === kind)).map(kind =>
    writer.tombstone('engagement-alerts', alertKey(customerId, kind), customerId, 'rescore.recovery', asOf),
  );
