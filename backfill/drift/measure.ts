/** drift.json: customers and scores now against training, and old answers against what happened since. */
import type { EpochMs } from '../../schemas';
import type { TrainedOn } from '../../processors/ports';
import { FEWEST_VALUES } from '../../models/drift/psi';
import { ModelBins } from '../../models/drift/watch';
import type { Drift } from '../report';
import { MATURED_METRICS, calibrationOf, metricsOf } from './metrics';
import type { MaturedModel, Pair } from './metrics';
import { PUBLISHED_MODELS, answerOf, standingScores, versionOf } from './published';
import type { PublishedScore } from './published';
import { latestOf } from './tail';
import type { DatasetTail, ModelName, TailRow } from './tail';

/** All that a model answers to. */
export type Vectored = Pick<TailRow, 'vector'>;

/** A model that scored before the run. */
export interface MeasuredModel extends TrainedOn {
  readonly name: ModelName;
  /** On validation rows, as its manifest says, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** One answer a row. */
  answers: (rows: readonly Vectored[]) => Promise<Float32Array>;
}

export interface DriftRequest {
  readonly tail: DatasetTail;
  /** Customers as they are now; null: nobody knows, their newest snapshots in the tail stand for them. */
  readonly now: { readonly at: EpochMs; readonly people: readonly Vectored[] } | null;
  readonly days: number;
  readonly models: readonly MeasuredModel[];
  /** Null: nobody has any; the models answer the snapshots again. */
  readonly published: AsyncIterable<PublishedScore> | null;
}

/** Rows that validate this model are of customers who trained none, first seen at least 60 days before, as in training. */
const POPULATION: ModelName = 'churn';
/** Beyond this a figure is noise, and the order of additions. */
const DIGITS = 10;

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

export async function measureDrift({ tail, now, days, models, published }: DriftRequest): Promise<Drift> {
  const people = now?.people ?? latestOf(tail.rows.filter(({ validates }) => validates[POPULATION]));
  const left = whyNot(people.length, models);
  const bins = left === null ? models.map(model => new ModelBins(model)) : [];
  return {
    models: models.map(({ name, version }) => ({ name, version })),
    newestAt: now?.at ?? (Number.isFinite(tail.newestAt) ? tail.newestAt : 0),
    days: now === null ? days : null,
    customers: people.length,
    left,
    features: largestFirst(bins.flatMap(model => featuresOf(model, people))),
    scores: await Promise.all(
      bins.map(async (model, index) => {
        const { psi, ...of } = model.score(Array.from(await models[index]!.answers(people)));
        return { ...of, psi: rounded(psi) };
      }),
    ),
    matured:
      published === null ? await answeredAgain(tail, models) : await asPublished(tail, models, published),
  };
}

function whyNot(customers: number, models: readonly MeasuredModel[]): string | null {
  if (models.length === 0) return 'no model scored before this run.';
  if (customers < FEWEST_VALUES)
    return `${customers} customers are too few, chance alone would look like drift; ${FEWEST_VALUES} are needed.`;
  return null;
}

function featuresOf(model: ModelBins, people: readonly Vectored[]): ReturnType<ModelBins['featuresOf']> {
  const counts = model.newCounts();
  for (const { vector } of people) model.add(vector, counts);
  return model.featuresOf(counts);
}

/** Per feature the model with the largest PSI. Equal ones by name, so that a rerun gives the same bytes. */
function largestFirst(found: readonly { model: string; feature: string; psi: number }[]): Drift['features'] {
  const largest = new Map<string, Drift['features'][number]>();
  for (const { model, feature, psi } of found)
    if (psi > (largest.get(feature)?.psi ?? -1))
      largest.set(feature, { name: feature, model, psi: rounded(psi) });
  return [...largest.values()].sort((a, b) => b.psi - a.psi || (a.name < b.name ? -1 : 1));
}

type Matured = Drift['matured'][number];
const MODELS = Object.keys(MATURED_METRICS) as MaturedModel[];

async function answeredAgain(
  { rows, ltvRows }: DatasetTail,
  models: readonly MeasuredModel[],
): Promise<Matured[]> {
  const matured: Matured[] = [];
  for (const model of models) {
    const name = MODELS.find(one => one === model.name);
    if (name === undefined) continue;
    // Of customers that trained no model: whatever night it was trained in, it has not seen these labels.
    const known = name === 'ltv' ? ltvRows : rows;
    const used = known.filter(({ validates, label }) => validates[name] && label[name] !== null);
    const answers = await model.answers(used);
    const pairs = used.map(({ label }, row) => ({ score: answers[row]!, label: label[name]! }));
    matured.push(...maturedOf(model, 'snapshots', used, pairs));
  }
  return matured;
}

async function asPublished(
  { rows }: DatasetTail,
  models: readonly MeasuredModel[],
  published: AsyncIterable<PublishedScore>,
): Promise<Matured[]> {
  const standing = await standingScores(rows, published);
  return PUBLISHED_MODELS.flatMap(name => {
    const used = standing.filter(({ row }) => row.label[name] !== null);
    const pairs = used.map(({ row, score }) => ({ score: answerOf(score, name), label: row.label[name]! }));
    const old = used.map(({ row }) => row);
    const version = versionOf(used, name);
    const metrics = models.find(model => model.name === name && model.version === version)?.metrics ?? {};
    return maturedOf({ name, version, metrics }, 'published', old, pairs);
  });
}

function maturedOf(
  { name: model, version, metrics: promised }: Pick<MeasuredModel, 'name' | 'version' | 'metrics'>,
  source: Matured['source'],
  rows: readonly TailRow[],
  pairs: readonly Pair[],
): Matured[] {
  if (rows.length === 0) return [];
  const metrics = Object.entries(metricsOf(model, pairs)).map(
    ([name, value]) => [name, rounded(value)] as const,
  );
  return [
    {
      model,
      version,
      source,
      from: rows.reduce((least, { at }) => Math.min(least, at), Infinity),
      until: rows.reduce((most, { at }) => Math.max(most, at), -Infinity),
      rows: rows.length,
      customers: new Set(rows.map(({ customer }) => customer)).size,
      metrics: Object.fromEntries(metrics),
      promised: Object.fromEntries(
        metrics.flatMap(([name]) => (promised[name] === undefined ? [] : [[name, promised[name]]])),
      ),
      calibration: calibrationOf(pairs).map(({ score, label, rows: count }) => ({
        score: rounded(score),
        label: rounded(label),
        rows: count,
      })),
    },
  ];
}
