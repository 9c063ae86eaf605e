/** A run folder as the steps of the nightly job leave it, with made-up figures: what the report is tried on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FEATURE_NAMES } from '../../processors/core';
import { DAY_MS } from '../../schemas';

const END = Date.UTC(2026, 4, 1);
const START = END - 450 * DAY_MS;
const around = (value: number, half: number) => ({ value, low: value - half, high: value + half });

const METRICS = {
  engagement: {
    r2: around(0.8123, 0.011),
    meanAbsoluteError: around(0.0419, 0.002),
    calibrationError: around(0.0061, 0.002),
  },
  churn: {
    auc: around(0.9787, 0.003),
    logLoss: around(0.1837, 0.013),
    calibrationError: around(0.0122, 0.005),
    lift: around(1.7336, 0.06),
    baseRate: around(0.5768, 0.021),
  },
  ltv: {
    r2: around(0.4441, 0.05),
    meanAbsoluteError: around(132.68, 4.1),
    gini: around(0.7204, 0.02),
    sumRatio: around(0.9513, 0.06),
  },
} as const;
type ModelName = keyof typeof METRICS;
const MODELS = Object.keys(METRICS) as ModelName[];
const VERSIONS: Record<ModelName, string> = {
  engagement: '20260501T000000Z-a25fcb81',
  churn: '20260501T000000Z-c3007c44',
  ltv: '20260501T000000Z-c51f9d1d',
};
const CHAMPION = (name: ModelName): string => VERSIONS[name].replace('20260501', '20260430');

const shifted = (metrics: object, by: number) =>
  Object.fromEntries(
    Object.entries(metrics as Record<string, { value: number }>).map(([name, { value }]) => [
      name,
      around(value * by, Math.abs(value) * 0.02),
    ]),
  );

const group = (rows: number, selected: number) => ({
  rows,
  customers: Math.round(rows / 8),
  meanScore: 0.5871,
  meanLabel: 0.5766,
  selected,
  truePositiveRate: selected * 1.6,
  falsePositiveRate: null,
  calibrationError: 0.0143,
});

const fairness = {
  gender: {
    selectionRatio: 0.9512,
    selectionRatioInterval: { value: 0.9512, low: 0.871, high: 0.994 },
    equalizedOddsDifference: { value: 0.0213, low: 0.004, high: 0.061 },
    equalizedOddsChance: 0.431,
    calibrationError: 0.0171,
    calibrationErrorChance: 0.287,
    groups: { female: group(5_107, 0.2043), male: group(5_211, 0.1943), unknown: group(3_095, 0.2011) },
  },
  ageBand: {
    selectionRatio: 0.7719,
    selectionRatioInterval: { value: 0.7719, low: 0.66, high: 0.89 },
    equalizedOddsDifference: { value: 0.0832, low: 0.031, high: 0.152 },
    groups: { '18-24': group(1_402, 0.2391), '25-34': group(3_377, 0.2102), '65+': group(811, 0.1846) },
  },
};

const calibration = Array.from({ length: 10 }, (_, bin) => {
  const score = (bin + 0.5) / 10;
  return { score, label: Math.min(1, score + 0.03 * Math.sin(bin)), rows: 1_341 };
});
const lift = Array.from({ length: 20 }, (_, step) => {
  const share = (step + 1) / 20;
  return { share, label: 1 - share / 2, gain: 1 - (1 - share) ** 2 };
});

const trained = (name: ModelName) => ({
  model: name,
  seed: 1,
  family: 'boosting',
  method: 'gradient boosted trees of depth 4',
  rows: { train: { rows: 63_003, customers: 4_265 }, validation: { rows: 13_413, customers: 1_669 } },
  metrics: METRICS[name],
  gain: { last_login_days_ago: 0.4127, active_days_last_30_days: 0.2266, events_last_7_days: 0.0818 },
  fairness,
  proxies: {
    gender: { feature: 'peak_activity_hour', auc: 0.5212, allFeatures: { auc: 0.5331 } },
  },
  evaluation: {
    archiveStart: new Date(START).toISOString(),
    champion: { version: CHAMPION(name), metrics: shifted(METRICS[name], 0.99) },
  },
  championDifferences: shifted(METRICS[name], 0.01),
  baselines: { recency: shifted(METRICS[name], 0.9), rfm: shifted(METRICS[name], 0.8) },
  differences: {
    recency: shifted(METRICS[name], 0.1),
    rfm: shifted(METRICS[name], 0.2),
    lastValue: shifted(METRICS[name], 0.3),
  },
  curves: { calibration, lift },
});

const judged = (name: ModelName) => {
  const refused = name === 'ltv';
  const said = 'ageBand: the least selected group is selected 0.7719 times as often; at least 0.8 is asked';
  return {
    name,
    version: VERSIONS[name],
    champion: CHAMPION(name),
    decision: refused ? 'reject' : 'promote',
    reasons: refused ? [said] : [],
    checks: [
      { check: 'customers', state: 'passed', said: '4265 customers to learn from; at least 500 are asked' },
      { check: 'calibrationError', state: name === 'ltv' ? 'notApplicable' : 'passed', said: '0.0122' },
      { check: 'selectionRatio', state: refused ? 'failed' : 'passed', said: refused ? said : '0.9512' },
    ],
  };
};

const side = (rows: number, from: number, until: number) => ({ rows, from, until });

/** By name of the file in the folder. */
export const runFiles = (): Record<string, unknown> => ({
  'plan.json': {
    version: 1,
    id: '3f1c09d27ab4e855',
    source: { archive: 's3://shop/archive', words: 'the archive of a shop', kind: 'stream' },
    range: { startAt: START, endAt: END },
    partitions: 16,
    items: Array.from({ length: 16 }, (_, partition) => ({ id: `p${partition}`, partitions: [partition] })),
  },
  'dataset.json': {
    rows: 91_877,
    customers: 5_934,
    sides: Object.fromEntries(
      MODELS.map(name => [
        name,
        {
          training: side(63_003, START + 90 * DAY_MS, START + 300 * DAY_MS),
          validation: side(13_413, START + 301 * DAY_MS, END - 30 * DAY_MS),
        },
      ]),
    ),
    range: { startAt: START, endAt: END },
    sha256: '9b74c9897bac770ffc029102a200c5de0b1f0e7c0d0b6f3f0d8ac2f9c1c1fb11',
    bytes: 9_341_221,
    counts: { records: 1_204_551, inputs: 1_203_980, refused: 571, customers: 6_000, snapshots: 164_220 },
  },
  'trained/train.json': { models: [], left: [], champions: [], seed: 1 },
  ...Object.fromEntries(MODELS.map(name => [`trained/${name}/report.json`, trained(name)])),
  'gate.json': { at: END + 3_600_000, models: MODELS.map(judged) },
  'publish.json': {
    at: END + 3_600_000,
    models: MODELS.map(name => ({
      name,
      version: VERSIONS[name],
      promoted: name !== 'ltv',
      reason: name === 'ltv' ? 'the gate refused it' : 'current',
    })),
  },
  'consistency.json': {
    scores: 48_213,
    checked: 48_101,
    differing: 1,
    missing: 112,
    missingBecause: { notArchived: 112 },
    range: { from: new Date(END - DAY_MS).toISOString(), until: new Date(END).toISOString() },
    features: { orders_lifetime: 1 },
    examples: [
      {
        id: '4f0c2b7d9e1a8c3355aa01be7d21f9c0',
        partition: 3,
        asOf: new Date(END - 3_600_000).toISOString(),
        publishedHash: '8d1f',
        recomputedHash: '77ac',
        features: [{ name: 'orders_lifetime', published: 3, recomputed: 4 }],
      },
    ],
  },
  'drift.json': {
    models: MODELS.map(name => ({ name, version: CHAMPION(name) })),
    newestAt: END - 30 * DAY_MS,
    days: 30,
    customers: 1_669,
    left: null,
    features: FEATURE_NAMES.map((name, index) => ({
      name,
      model: 'churn',
      psi: Number((0.3413 / (index + 1)).toFixed(6)),
    })),
    scores: MODELS.map((model, index) => ({ model, psi: 0.0317 * (index + 1) })),
    matured: [
      {
        model: 'churn',
        version: CHAMPION('churn'),
        source: 'snapshots',
        from: END - 60 * DAY_MS,
        until: END - 30 * DAY_MS,
        rows: 3_311,
        customers: 1_669,
        metrics: { auc: 0.9712, logLoss: 0.2013, calibrationError: 0.0187, baseRate: 0.5917 },
        promised: { auc: 0.9787, logLoss: 0.1837, calibrationError: 0.0122 },
        calibration,
      },
    ],
  },
  'steps/plan.json': { seconds: 1.214, counts: { items: 16 }, failed: null },
  'steps/replay/p00000.json': { seconds: 101.9, counts: { records: 1_204_000 }, failed: null },
  'steps/replay/p00001.json': { seconds: 50, counts: { records: 551 }, failed: null },
  'steps/train.json': { seconds: 83.27, counts: {}, failed: null },
  'steps/consistency.json': { seconds: 12.25, counts: { differing: 1 }, failed: 'scores-differ' },
});

/** Writes them; `changed` replaces files by name, undefined leaves one out. */
export function writeRunFolder(directory: string, changed: Record<string, unknown> = {}): void {
  for (const [name, content] of Object.entries({ ...runFiles(), ...changed })) {
    if (content === undefined) continue;
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
}
