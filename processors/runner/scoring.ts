/**
 * Step 6 of the lane, second half: one call of the models for all evaluations, each customer's answers in order, then
 * one call for the reasons of those that are published.
 */
import type { Alert, EngagementScore, Positions, Reason } from '../../schemas';
import { VECTOR_WIDTH, hash64, interpret } from '../core';
import type { CoreSettings, Interpretation, RawScores } from '../core';
import type { BatchAnswers, OutgoingMessage, RawScoreColumns, ScoreWatch, Scorer } from '../ports';
import type { Draft, Touched, VectorRows } from './draft';
import { ALERT_KINDS, alertKey } from './messages';
import type { MessageWriter } from './messages';
import type { LaneMetrics, StageTimer } from './metrics';
import { showTo } from './watching';

export interface ScoringTools {
  scorer: Scorer;
  writer: MessageWriter;
  core: CoreSettings;
  vectors: VectorRows;
  partition: number;
  epoch: number;
  timer: StageTimer;
  /** Share of the scores that carry their vector. */
  vectorShare: number;
  /** What is said is published: worth its reasons. */
  publishes: boolean;
  watch?: ScoreWatch;
}

/** An evaluation whose score is published. */
interface Said extends Interpretation {
  score: EngagementScore;
  touched: Touched;
  row: number;
}

/** Messages of all customers, in the order in which they were first touched. Moves their ledgers. */
export async function scoreDraft(
  draft: Draft,
  to: Positions,
  tools: ScoringTools,
): Promise<OutgoingMessage[]> {
  const { scorer, vectors, timer } = tools;
  const answers = vectors.rows > 0 ? await answersOf(scorer, vectors) : null;
  timer.took('inference');
  if (tools.watch !== undefined) showTo(tools.watch, draft, vectors, answers);
  const said: Said[] = [];
  for (const touched of draft.customers.values())
    if (touched.evaluations.length > 0) interpretAll(touched, answers!, to, draft.counts, tools, said);
  timer.took('interpret');
  if (answers !== null) await explain(said, answers.by, tools);
  timer.took('explain');
  const messages: OutgoingMessage[] = [];
  let next = 0;
  for (const touched of draft.customers.values()) {
    for (const message of touched.tombstones) messages.push(message);
    for (; said[next]?.touched === touched; next++) write(said[next]!, messages, tools.writer);
    for (const message of touched.messages) messages.push(message);
  }
  timer.took('interpret');
  return messages;
}

/** Models may be swapped meanwhile: what follows asks those that answered. */
const answersOf = async (scorer: Scorer, { cells, rows }: VectorRows): Promise<BatchAnswers> =>
  scorer.scoreBatch === undefined
    ? { raw: await scorer.score(cells, rows), by: scorer }
    : scorer.scoreBatch(cells, rows);

/** Puts reasons into the scores. */
async function explain(
  said: readonly Said[],
  by: BatchAnswers['by'],
  { vectors, publishes }: ScoringTools,
): Promise<void> {
  if (by.explain === undefined || !publishes || said.length === 0) return;
  const reasons: readonly Reason[][] = await by.explain(
    vectors.cells,
    said.map(({ row }) => row),
  );
  said.forEach(({ score }, index) => (score.reasons = reasons[index]!));
}

const WORDS = 2 ** 32;

/** Which scores carry their vector follows from what they say: a repeat has the same bytes. */
const keepsVector = ({ customerId, sequence }: EngagementScore, share: number): boolean =>
  share > 0 && hash64(`${customerId}/${sequence}`).hi < share * WORDS;

const vectorOf = ({ cells }: VectorRows, row: number): (number | null)[] =>
  Array.from(cells.subarray(row * VECTOR_WIDTH, (row + 1) * VECTOR_WIDTH), value =>
    Number.isFinite(value) ? value : null,
  );

const rowOf = ({ engagement, churn, ltv }: RawScoreColumns, row: number): RawScores => ({
  engagement: engagement[row]!,
  churn: churn[row]!,
  ltv: ltv[row]!,
});

/** Appends what is published to `said`. */
function interpretAll(
  touched: Touched,
  { raw, by: { constants } }: BatchAnswers,
  to: Positions,
  counts: LaneMetrics,
  { core, vectors, vectorShare, partition, epoch }: ScoringTools,
  said: Said[],
): void {
  const { customer, evaluations } = touched;
  for (const { evaluation, row, position } of evaluations) {
    const place = { epoch, position: { partition, ...(position ?? to) } };
    const answers = rowOf(raw, row);
    const { score, alerts } = interpret(answers, evaluation, customer.ledger, constants, core, place);
    counts.evaluations++;
    if (score === null) {
      counts.suppressed++;
      continue;
    }
    counts.published[evaluation.cause]++;
    for (const alert of alerts) countAlert(alert, evaluation.cause === 'recovery', counts);
    if (keepsVector(score, vectorShare)) score.vector = vectorOf(vectors, row);
    said.push({ score, alerts, touched, row });
  }
}

function write({ score, alerts }: Said, messages: OutgoingMessage[], writer: MessageWriter): void {
  const message = writer.score(score);
  messages.push(message);
  for (const alert of alerts) messages.push(writer.alert({ ...alert, scoreId: message.id }));
  if (score.cause === 'recovery')
    messages.push(...absentAlerts(alerts, score.customerId, score.asOf, writer));
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
