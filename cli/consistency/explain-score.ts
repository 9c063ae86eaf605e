/** `rescore explain --score`: a published score, made again from the log with the models that it names. */
import { customerAt, type PublishedScore } from '../../backfill/consistency';
import { ArtifactError } from '../../models';
import {
  CATALOGUE,
  VECTOR_WIDTH,
  evaluate,
  interpret,
  newCustomer,
  type Customer,
  type Evaluation,
} from '../../processors/core';
import type { EngagementScore } from '../../schemas';
import type { Context } from '../context';
import { explanationsOf, type ModelExplanation } from '../customer/contributions';
import { featuresAsJson } from '../customer/portrait';
import { sayWhy, valueText } from '../customer/said-contributions';
import { customerInWords } from '../customer/words';
import { CliError } from '../errors';
import type { OpenedScorer } from '../io';
import { inputRules } from '../lanes';
import { modelsPlace } from '../models/registry';
import { instant } from '../output/format';
import { printable } from '../output/table';
import { coreSettings } from '../settings';
import { withRecorded, type RecordedOptions } from './open';
import type { Recorded } from './recorded';

/** What a score says that its facts and models decide; the rest is where and when it was made. */
const FIELDS = [
  'vectorHash',
  'engagement',
  'churn30d',
  'ltvMinor',
  'currency',
  'segment',
  'status',
  'validUntil',
] as const satisfies (keyof EngagementScore)[];
const OF_THE_FACTS: readonly string[] = ['vectorHash', 'validUntil'];

interface FieldComparison {
  field: string;
  published: unknown;
  recomputed: unknown;
  equal: boolean;
}

async function find({ scores, log, source }: Recorded, id: string): Promise<PublishedScore> {
  for (let partition = 0; partition < log.partitions; partition++)
    for await (const published of scores(partition, -Infinity)) if (published.id === id) return published;
  throw new CliError('score-unknown', `${source} holds no score ${id}.`);
}

/** The models that the score names; null, and said so, where the registry no longer holds them. */
async function scorerOf(context: Context, { models }: EngagementScore): Promise<OpenedScorer | null> {
  const { io, settings, reporter } = context;
  try {
    return await io.openScorer({ ...modelsPlace(io, settings.values), versions: models });
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    reporter.note(
      `The models of this score cannot be opened, so only its vector is compared: ${error.message}`,
    );
    return null;
  }
}

interface Remade {
  /** Null without the models. */
  score: EngagementScore | null;
  explanations: ModelExplanation[] | null;
}

async function remake(
  context: Context,
  { score: published }: PublishedScore,
  evaluation: Evaluation,
  vector: Float32Array,
): Promise<Remade> {
  const scorer = await scorerOf(context, published);
  if (scorer === null) return { score: null, explanations: null };
  try {
    const core = coreSettings(context.settings.values);
    const { engagement, churn, ltv } = await scorer.score(vector, 1);
    const raw = { engagement: engagement[0], churn: churn[0], ltv: ltv[0] };
    const { epoch, position } = published;
    // Somebody of whom nothing was said yet: their score is always published.
    const { ledger } = newCustomer(published.customerId);
    const { score } = interpret(raw, evaluation, ledger, scorer.constants, core, { epoch, position });
    return { score, explanations: await explanationsOf(scorer, vector, core.currency) };
  } finally {
    await scorer.release();
  }
}

const compared = (
  published: EngagementScore,
  evaluation: Evaluation,
  remade: EngagementScore | null,
): FieldComparison[] => {
  const ofFacts: Partial<EngagementScore> = {
    vectorHash: evaluation.vectorHash,
    validUntil: Number.isFinite(evaluation.validUntil) ? evaluation.validUntil : null,
  };
  const rows = FIELDS.filter(field => remade !== null || OF_THE_FACTS.includes(field)).map(field => {
    const recomputed = (remade ?? ofFacts)[field];
    return { field, published: published[field], recomputed, equal: Object.is(published[field], recomputed) };
  });
  if (remade === null) return rows;
  const { rfm } = remade;
  const equal = (Object.keys(rfm) as (keyof typeof rfm)[]).every(part =>
    Object.is(rfm[part], published.rfm[part]),
  );
  return [...rows, { field: 'rfm', published: published.rfm.score, recomputed: rfm.score, equal }];
};

async function say(
  { reporter, settings }: Context,
  { id, score }: PublishedScore,
  customer: Customer,
  comparisons: readonly FieldComparison[],
): Promise<void> {
  const { colours } = reporter;
  const features = featuresAsJson(customer.facts, score.asOf);
  await reporter.text(
    colours.bold(`Score ${id} of customer ${printable(score.customerId)}, as of ${instant(score.asOf)}`),
  );
  for (const line of customerInWords(customer, features, score.asOf, coreSettings(settings.values)))
    await reporter.text(`  ${line}`);
  await reporter.text(
    `\nMade by ${score.models.map(({ name, version }) => `${name} ${version}`).join(', ')}; cause ${score.cause}.`,
  );
  await reporter.table(
    [{ title: '' }, { title: 'published', right: true }, { title: 'recomputed', right: true }, { title: '' }],
    comparisons.map(({ field, published, recomputed, equal }) => [
      field,
      String(published),
      String(recomputed),
      equal ? 'equal' : colours.red('differs'),
    ]),
  );
  await reporter.text(colours.bold('\nFeatures'));
  await reporter.table(
    [{ title: 'feature' }, { title: 'value', right: true }, { title: 'meaning' }],
    CATALOGUE.map(({ name, meaning }) => [name, valueText(features[name]), meaning]),
  );
}

async function explain(context: Context, recorded: Recorded, id: string): Promise<void> {
  const { reporter, settings } = context;
  const published = await find(recorded, id);
  const { score } = published;
  const rules = inputRules(settings.values);
  const customer = await customerAt(score, { ...recorded, rules, settings: coreSettings(settings.values) });
  const vector = new Float32Array(VECTOR_WIDTH);
  const evaluation = evaluate(customer, score.asOf, score.cause, vector, 0);
  const remade = await remake(context, published, evaluation, vector);
  const comparisons = compared(score, evaluation, remade.score);
  const differing = comparisons.filter(({ equal }) => !equal).map(({ field }) => field);
  await say(context, published, customer, comparisons);
  if (remade.explanations !== null) await sayWhy(reporter, remade.explanations);
  if (differing.length === 0) await reporter.text('\nWhat was published is what comes out again.');
  await reporter.result({
    id,
    published: score,
    recomputed: remade.score,
    comparisons,
    equal: differing.length === 0,
    features: featuresAsJson(customer.facts, score.asOf),
    explanations: remade.explanations,
  });
  if (differing.length > 0)
    throw new CliError('scores-differ', `Score ${id} comes out differently: ${differing.join(', ')}.`);
}

/** @throws CliError score-unknown, scores-differ */
export const explainScore = (context: Context, id: string, options: RecordedOptions): Promise<void> =>
  withRecorded(context, options, recorded => explain(context, recorded, id));
