/** @jest-environment ./models/testing/onnx-environment.js */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baselineDirectory, BASELINE_KEYS, BASELINE_SET } from '../../models';
import { FEATURE_NAMES, hash64, hashHex } from '../../processors/core';
import { Random } from '../../processors/sim/random';

import { DAY_MS } from '../../schemas';
import { openStore } from '../../models/registry/open-store';
import { writeParquet } from '../dataset/parquet';
import { asEmbeddedMetrics, asPrometheus } from '../prometheus';
import { driftSchema } from '../report';
import { HistoryFold } from '../dataset';
import { RANGE, smallHistory } from '../testing/small-history';
import { measureDrift } from './measure';
import type { DriftRequest, MeasuredModel } from './measure';
import { driftFamilies } from './families';
import {
  auc,
  calibrationError,
  calibrationOf,
  gini,
  logLoss,
  meanAbsoluteError,
  metricsOf,
  r2,
  sumRatio,
} from './metrics';
import type { Pair } from './metrics';
import { openModels } from './models';
import { standingScores } from './published';
import type { PublishedScore } from './published';
import { latestOf, readTail } from './tail';
import type { TailRow } from './tail';

const NOW = Date.UTC(2026, 3, 1);
const GRID = Array.from({ length: 21 }, (_, step) => step / 20);

const model = (
  name: MeasuredModel['name'],
  answer: (row: Pick<TailRow, 'vector'>) => number,
): MeasuredModel => ({
  name,
  version: `${name}-1`,
  quantiles: {
    score: GRID,
    features: Object.fromEntries(
      FEATURE_NAMES.map(feature => [feature, { undefinedShare: 0, values: GRID }]),
    ),
  },
  metrics: { auc: 0.9, r2: 0.8, gini: 0.7 },
  answers: rows => Promise.resolve(Float32Array.from([...rows], answer)),
});

const row = (customer: string, value: number, more: Partial<TailRow> = {}): TailRow => ({
  customer: hashHex(hash64(customer)),
  at: NOW,
  vector: new Float32Array(FEATURE_NAMES.length).fill(value),
  label: { engagement: value, churn: Number(value > 0.5), ltv: null },
  validates: { engagement: true, churn: true, ltv: false },
  ...more,
});

const uniform = (count: number, seed = 1): TailRow[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => row(`customer-${index}`, random.next()));
};

const measure = (
  rows: TailRow[],
  models: MeasuredModel[],
  published: PublishedScore[] | null = null,
  ltvRows: TailRow[] = [],
  now: DriftRequest['now'] = null,
) =>
  measureDrift({
    tail: { newestAt: NOW, rows, ltvRows },
    now,
    days: 30,
    models,
    published: published === null ? null : streamed(published),
  });

async function* streamed<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

const churn = model('churn', ({ vector }) => vector[0]!);

describe('drift of a night', () => {
  it('is near zero for customers as in training, for every feature and score', async () => {
    const drift = await measure(uniform(3_000), [churn]);
    expect(drift.features).toHaveLength(FEATURE_NAMES.length);
    for (const { psi } of [...drift.features, ...drift.scores]) expect(psi).toBeLessThan(0.03);
    expect(driftSchema.parse(JSON.parse(JSON.stringify(drift)))).toEqual(drift);
  });

  it('names the feature that has shifted first, and the model that it has shifted for', async () => {
    const shifted = FEATURE_NAMES[7]!;
    const rows = uniform(2_000).map(one => {
      const vector = Float32Array.from(one.vector);
      vector[7] = vector[7]! / 3;
      return { ...one, vector };
    });
    const engagement = model('engagement', () => 0.5);
    const drift = await measure(rows, [churn, engagement]);
    expect(drift.features[0]).toMatchObject({ name: shifted, model: 'churn' });
    expect(drift.features[0]!.psi).toBeGreaterThan(0.25);
    expect(drift.features[1]!.psi).toBeLessThan(0.05);
    // All answers the same: the scores have moved although the features have not.
    expect(drift.scores[1]!.psi).toBeGreaterThan(1);
  });

  it('counts a customer once, by its newest snapshot, and only those that trained nothing', async () => {
    const old = uniform(1_000).map(one => ({ ...one, at: NOW - DAY_MS, vector: one.vector.map(() => 0.9) }));
    const trained = uniform(1_000, 5).map((_, index) =>
      row(`trained-${index}`, 0.9, { validates: { engagement: false, churn: false, ltv: false } }),
    );
    const drift = await measure([...old, ...trained, ...uniform(1_000)], [churn]);
    expect(drift.customers).toBe(1_000);
    expect(drift.scores[0]!.psi).toBeLessThan(0.05);
  });

  it('is of customers as they are now, where that is known', async () => {
    const now = { at: NOW + 30 * DAY_MS, people: uniform(900).map(({ vector }) => ({ vector })) };
    const old = uniform(600).map(one => ({ ...one, vector: one.vector.map(() => 0.9) }));
    const drift = await measure(old, [churn], null, [], now);
    expect(drift).toMatchObject({ customers: 900, newestAt: NOW + 30 * DAY_MS, days: null });
    expect(drift.scores[0]!.psi).toBeLessThan(0.05);
    expect(driftSchema.parse(JSON.parse(JSON.stringify(drift)))).toEqual(drift);
  });

  it('says why it measures nothing', async () => {
    expect((await measure(uniform(499), [churn])).left).toContain('499 customers are too few');
    expect((await measure(uniform(600), [])).left).toContain('no model scored before this run');
    expect((await measure([], [churn])).features).toEqual([]);
  });
});

describe('what was said and what happened', () => {
  it('holds answers of each model against its own labels, of held-out customers alone', async () => {
    const known = uniform(800);
    const seen = uniform(300).map(one => ({
      ...one,
      validates: { engagement: false, churn: false, ltv: false },
    }));
    const engagement = model('engagement', ({ vector }) => vector[0]!);
    const { matured } = await measure([...known, ...seen], [engagement, churn, model('ltv', () => 0.5)]);
    expect(matured.map(({ model: name, rows, version }) => [name, rows, version])).toEqual([
      ['engagement', 800, 'engagement-1'],
      ['churn', 800, 'churn-1'],
    ]);
    expect(matured[0]!.metrics['r2']).toBeCloseTo(1, 6);
    expect(matured[1]!.metrics['auc']).toBe(1);
  });

  it('holds ltv against revenue whose 180 days are over, of held-out customers alone', async () => {
    const revenue = (validates: boolean) =>
      uniform(700, 2).map(one => ({
        ...one,
        at: NOW - 200 * DAY_MS,
        label: { engagement: null, churn: null, ltv: 100 * one.vector[0]! },
        validates: { engagement: false, churn: false, ltv: validates },
      }));
    const ltv = model('ltv', ({ vector }) => 50 * vector[0]!);
    const { matured } = await measure(uniform(10), [ltv], null, [...revenue(true), ...revenue(false)]);
    expect(matured).toMatchObject([{ model: 'ltv', rows: 700, until: NOW - 200 * DAY_MS }]);
    expect(matured[0]!.metrics['gini']).toBeCloseTo(1, 12);
    expect(matured[0]!.metrics['sumRatio']).toBeCloseTo(0.5, 6);
    expect(matured[0]!.promised).toEqual({ r2: 0.8, gini: 0.7 });
  });

  it('takes the score that stood published at the snapshot, and no later one', async () => {
    const score = (customerId: string, asOf: number, churn30d: number): PublishedScore => ({
      customerId,
      asOf,
      engagement: 0.5,
      churn30d,
      models: [{ name: 'churn', version: `at-${asOf}` }],
    });
    const rows = [row('kim', 0.9), row('lee', 0.1), row('nobody', 0.3)];
    const published = [
      score('kim', NOW - 2, 0.2),
      score('kim', NOW, 0.8),
      score('kim', NOW + 1, 0.1),
      score('lee', NOW - 5, 0.3),
    ];
    const standing = await standingScores(rows, streamed(published));
    expect(standing.map(one => one.score.churn30d)).toEqual([0.8, 0.3]);
    const { matured } = await measure(rows, [], published);
    const [, ofChurn] = matured;
    expect(ofChurn).toMatchObject({ source: 'published', rows: 2, customers: 2, version: `at-${NOW}` });
    expect(ofChurn!.metrics['auc']).toBe(1);
  });
});

describe('a night as metrics', () => {
  it('has the PSI of features and scores, and of each model what was promised and what came', async () => {
    const found = await measure(uniform(800), [churn]);
    const text = asPrometheus(driftFamilies(found, 5_000));
    const psi = found.features.find(({ name }) => name === 'orders_lifetime')!.psi;
    for (const line of [
      `rescore_night_feature_psi{model="churn",feature="orders_lifetime"} ${psi}`,
      `rescore_night_score_psi{model="churn"} ${found.scores[0]!.psi}`,
      'rescore_matured_auc{model="churn",version="churn-1"} 1',
      'rescore_promised_auc{model="churn",version="churn-1"} 0.9',
      'rescore_matured_customers{model="churn",version="churn-1"} 800',
      'rescore_night_timestamp_seconds 5',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toContain('\nrescore_matured_calibration_error{');
    // Each family once: a second one would make a reader refuse the whole page.
    const types = text.match(/^# TYPE \S+/gm)!;
    expect(new Set(types).size).toBe(types.length);
  });

  it('is a line for each model to CloudWatch, each metric with its value, and no series for each feature', async () => {
    const found = await measure(uniform(800), [churn, model('engagement', ({ vector }) => vector[0]!)]);
    const lines = asEmbeddedMetrics(driftFamilies(found, 5_000), 'shop', 5_000).map(
      line =>
        JSON.parse(line) as Record<string, unknown> & {
          _aws: {
            Timestamp: number;
            CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[];
          };
        },
    );
    expect(lines.map(({ model: of }) => of)).toEqual(['churn', 'engagement', undefined]);
    for (const line of lines) {
      const [directive] = line._aws.CloudWatchMetrics;
      expect(directive).toMatchObject({ Namespace: 'shop' });
      expect(directive!.Dimensions).toEqual([line['model'] === undefined ? [] : ['model']]);
      for (const { Name } of directive!.Metrics) expect([Name, typeof line[Name]]).toEqual([Name, 'number']);
      expect(JSON.stringify(line)).not.toContain('feature_psi');
    }
    expect(lines[0]).toMatchObject({ rescore_matured_auc: 1, rescore_promised_auc: 0.9, version: 'churn-1' });
  });
});

describe('metrics, as the trainer measures them', () => {
  const pairs = (...both: [number, number][]): Pair[] => both.map(([score, label]) => ({ score, label }));

  it('by hand', () => {
    const some = pairs([0.1, 0], [0.4, 0], [0.35, 1], [0.8, 1]);
    expect(auc(some)).toBe(0.75);
    expect(logLoss(pairs([0.5, 1], [0.5, 0]))).toBeCloseTo(Math.LN2, 12);
    expect(logLoss(pairs([0, 1]))).toBeCloseTo(-Math.log(1e-7), 6);
    expect(r2(pairs([1, 1], [2, 2], [4, 3]))).toBeCloseTo(0.5, 12);
    expect(meanAbsoluteError(pairs([1, 1], [2, 4]))).toBe(1);
    expect(sumRatio(pairs([1, 1], [2, 4]))).toBeCloseTo(0.6, 12);
    // Best order: shares 0.8, 1, 1 of three thirds; ours has the first two the other way round.
    const [best, ours] = [(0.4 + 0.9 + 1) / 3 - 0.5, (0.1 + 0.6 + 1) / 3 - 0.5];
    expect(gini(pairs([3, 8], [5, 2], [1, 0]))).toBeCloseTo(ours / best, 12);
  });

  it('gini: one is the best order, zero no order at all, and nothing is said without revenue', () => {
    const some = pairs([1, 5], [2, 0], [3, 9], [4, 0], [5, 2]);
    expect(gini(some.map(({ label }) => ({ score: label, label })))).toBeCloseTo(1, 12);
    expect(gini(some.map(({ label }) => ({ score: 7, label })))).toBeCloseTo(0, 12);
    expect(metricsOf('ltv', pairs([1, 0], [2, 0]))).toEqual({ meanAbsoluteError: 1.5 });
  });

  it('ties count half, one class counts nothing', () => {
    expect(auc(pairs([0.5, 0], [0.5, 1], [0.5, 1]))).toBe(0.5);
    expect(metricsOf('churn', pairs([0.5, 1], [0.6, 1]))).not.toHaveProperty('auc');
  });

  it('calibration in ten bins of equal count', () => {
    const random = new Random(3);
    const fair = Array.from({ length: 5_000 }, () => {
      const score = random.next();
      return { score, label: Number(random.next() < score) };
    });
    expect(calibrationOf(fair).map(({ rows }) => rows)).toEqual(Array.from({ length: 10 }, () => 500));
    expect(calibrationError(fair)).toBeLessThan(0.03);
    expect(calibrationError(fair.map(({ score, label }) => ({ score: score / 2, label })))).toBeGreaterThan(
      0.2,
    );
  });
});

describe('the end of a dataset', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescore-drift-'));
  const file = join(folder, 'dataset.parquet');
  const history = new HistoryFold(RANGE);
  for (const record of smallHistory(60)) history.take(record);
  const snapshots = history.finish();
  beforeAll(() => writeParquet(file, snapshots, RANGE));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the rows of the last days with the vectors that were written', async () => {
    const { newestAt, rows, ltvRows } = await readTail(file, 30);
    expect(rows.length).toBeGreaterThan(20);
    const written = new Map(
      snapshots.rows.map((one, index) => [`${hashHex(hash64(one.customerId))} ${one.at}`, index]),
    );
    for (const { customer, at, vector, label } of rows) {
      expect(at).toBeGreaterThan(newestAt - 30 * DAY_MS);
      expect(vector).toEqual(snapshots.vector(written.get(`${customer} ${at}`)!));
      expect([0, 1, null]).toContain(label.churn);
    }
    expect(latestOf(rows).length).toBeLessThan(rows.length);
    expect(ltvRows.length).toBeGreaterThan(20);
    const newestLtv = Math.max(...ltvRows.map(({ at }) => at));
    expect(newestLtv).toBeLessThanOrEqual(RANGE.endAt - 180 * DAY_MS);
    for (const { at, label } of ltvRows)
      expect([at > newestLtv - 30 * DAY_MS, typeof label.ltv]).toEqual([true, 'number']);
    expect((await readTail(file, 10_000)).rows.length).toBeGreaterThan(rows.length);
  });

  it('is not answered by models that did not score before the run', async () => {
    const store = openStore(baselineDirectory());
    const place = { store, set: BASELINE_SET, keys: BASELINE_KEYS };
    const { models, release } = await openModels(place, { engagement: null, churn: null });
    await release();
    store.close();
    expect(models.map(({ name }) => name)).toEqual(['ltv']);
  });

  it('is answered by the models that come with rescore', async () => {
    const store = openStore(baselineDirectory());
    const place = { store, set: BASELINE_SET, keys: BASELINE_KEYS };
    const { models, release } = await openModels(place, {});
    try {
      const tail = await readTail(file, 30);
      const request = { tail, now: null, days: 30, models, published: null };
      const drift = await measureDrift(request);
      expect(drift.models.map(({ name }) => name)).toEqual(['engagement', 'churn', 'ltv']);
      expect(drift.left).toContain('too few');
      for (const { metrics } of drift.matured)
        for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true);
      const again = await measureDrift({ ...request, tail: await readTail(file, 30) });
      expect(again).toEqual(drift);
    } finally {
      await release();
      store.close();
    }
  });
});
