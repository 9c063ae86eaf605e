/** Every check of the gate on both sides of its limit, and all reasons at once; those of fairness: fairness.test.ts. */
import fc from 'fast-check';
import type { Evaluation, Manifest } from '../registry/manifest';
import { GATE_LIMITS } from '../testing/artifacts';
import { CHAMPION, SCORING, MANIFEST, FAIR, challenger, metric } from '../testing/challengers';
import type { Incumbent } from './comparison';
import { judge } from './gate';
import type { Challenger } from './gate';

const reasons = (one: Challenger, champion: Incumbent | null = SCORING): readonly string[] =>
  judge(one, champion, GATE_LIMITS).reasons;

test('a good one is promoted, and every check says what it saw', () => {
  const verdict = judge(challenger(), SCORING, GATE_LIMITS);
  expect(verdict).toMatchObject({ decision: 'promote', reasons: [] });
  expect(verdict.checks.map(({ check, state }) => `${check} ${state}`)).toEqual([
    'customers passed',
    'historyDays passed',
    'eachClass passed',
    'eachClass passed',
    'comparison passed',
    'comparison passed',
    'leak passed',
    'prohibitedInput passed',
    'proxyAuc passed',
    'selectionRatio passed',
    'equalizedOddsDifference passed',
    'groupCalibrationError passed',
    'calibrationError passed',
    'bytes passed',
    'microsPerRow passed',
  ]);
});

const rows = (customers: number): Partial<Manifest> => ({
  rows: { ...MANIFEST.rows, train: { rows: 9_000, customers } },
});
const metrics = (more: Record<string, number>): Partial<Manifest> => ({
  metrics: {
    ...MANIFEST.metrics,
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, metric(value)])),
  },
});
const feature = (measure: 'auc' | 'r2', value: number): Partial<Evaluation> => ({
  strongestFeatures: [{ feature: 'churned', measure, value }],
});
const size = (bytes: number): Partial<Manifest> => ({
  files: { ...MANIFEST.files, 'model.onnx': { sha256: '0'.repeat(64), bytes: bytes - 3_000 } },
});

/** On the limit, then just beyond it, and the words of the refusal. */
test.each<[string, Challenger, Challenger, string]>([
  [
    'customers',
    challenger(rows(500)),
    challenger(rows(499)),
    '499 customers to learn from, at least 500 are needed',
  ],
  [
    'history',
    challenger({}, { archiveStart: '2025-07-05T00:00:00Z' }),
    challenger({}, { archiveStart: '2025-07-05T00:00:01Z' }),
    '179 days of history, at least 180 are needed',
  ],
  [
    'rows with the label',
    challenger({}, { classes: { positives: 50, negatives: 50 } }),
    challenger({}, { classes: { positives: 49, negatives: 900 } }),
    '49 rows with the label, at least 50 are needed',
  ],
  [
    'rows without the label',
    challenger({}, { classes: { positives: 50, negatives: 50 } }),
    challenger({}, { classes: { positives: 900, negatives: 49 } }),
    '49 rows without the label, at least 50 are needed',
  ],
  [
    'a metric that should be high',
    challenger(metrics({ auc: 0.792 })),
    challenger(metrics({ auc: 0.7919 })),
    `auc is 0.7919, ${CHAMPION} has 0.8; higher is better, and 1 % worse is allowed`,
  ],
  [
    'a metric that should be low',
    challenger(metrics({ logLoss: 0.505 })),
    challenger(metrics({ logLoss: 0.5051 })),
    `logLoss is 0.5051, ${CHAMPION} has 0.5; lower is better, and 1 % worse is allowed`,
  ],
  [
    'calibration',
    challenger(metrics({ calibrationError: 0.0499 })),
    challenger(metrics({ calibrationError: 0.05 })),
    'the calibration error is 0.05, it must lie below 0.05',
  ],
  [
    'a leak of a class',
    challenger({}, feature('auc', 0.98)),
    challenger({}, feature('auc', 0.981)),
    'churned alone has an AUC of 0.981, at most 0.98 is no leak',
  ],
  [
    'a leak of an amount',
    challenger({}, feature('r2', 0.95)),
    challenger({}, feature('r2', 0.951)),
    'churned alone has an R2 of 0.951, at most 0.95 is no leak',
  ],
  [
    'size',
    challenger(size(8 << 20)),
    challenger(size((8 << 20) + 1)),
    '8388609 bytes in all files, at most 8388608 are allowed',
  ],
  ['latency', challenger({}, {}, 50), challenger({}, {}, 50.1), '50.1 µs a row, at most 50 are allowed'],
  ['latency unknown', challenger(), challenger({}, {}, null), 'the time of a row was not measured'],
])('%s: on the limit it passes, beyond it does not, with the reason', (_what, on, beyond, said) => {
  expect(reasons(on)).toEqual([]);
  expect(reasons(beyond)).toEqual([said]);
});

test('what is not known is no pass', () => {
  const { evaluation: _evaluation, ...without } = MANIFEST;
  expect(reasons({ manifest: without, microsPerRow: 1 })).toEqual([
    expect.stringContaining('the manifest has no evaluation') as string,
  ]);
  const { calibrationError: _error, ...others } = MANIFEST.metrics;
  expect(reasons(challenger({ metrics: others }))).toEqual(['the calibration error is not known']);
  expect(reasons(challenger({}, { classes: null }))).toEqual([
    'it tells classes apart, and the rows of each are not known',
  ]);
  const { auc: _auc, ...blind } = MANIFEST.metrics;
  expect(reasons(challenger({ metrics: blind }))).toEqual([`auc is not known, ${CHAMPION} has 0.8`]);
});

test('it must have been compared with the very model that scores now', () => {
  expect(reasons(challenger({}, { champion: null }))).toEqual([
    `it was compared with no model, and ${CHAMPION} scores now`,
  ]);
  const now = { version: '20251202T000000Z-00000000', incomparable: null };
  expect(reasons(challenger(), now)).toEqual([
    `it was compared with ${CHAMPION}, and ${now.version} scores now`,
  ]);
  expect(
    reasons(challenger({}, { champion: { version: CHAMPION, metrics: { baseRate: metric(1) } } })),
  ).toEqual([`no metric of ${CHAMPION} can be compared`]);
  expect(reasons(challenger({}, { champion: null }), null)).toEqual([]);
});

describe('where the model that scores now is of another feature layout', () => {
  const old: Incumbent = {
    version: CHAMPION,
    incomparable: { because: 'otherLayout', said: 'churn: it was trained on layout 0123' },
  };
  const baseline = { name: 'recency', metrics: { auc: metric(0.8), logLoss: metric(0.5), lift: metric(9) } };
  const uncompared = (more: Record<string, number> = {}, known = true) =>
    challenger(metrics(more), { champion: null, ...(known ? { baseline } : {}) });
  const why = `${CHAMPION} reads another feature layout and can't be compared with`;

  test('the measure is the named baseline, within the tolerance, and every check says so', () => {
    const { decision, checks } = judge(uncompared({ auc: 0.792, logLoss: 0.505 }), old, GATE_LIMITS);
    expect(decision).toBe('promote');
    expect(checks.filter(({ check }) => check === 'comparison').map(({ said }) => said)).toEqual([
      `${why}: auc is 0.792, the baseline recency has 0.8; higher is better, and 1 % worse is allowed`,
      `${why}: logLoss is 0.505, the baseline recency has 0.5; lower is better, and 1 % worse is allowed`,
    ]);
  });

  test('worse than the baseline is refused', () => {
    expect(reasons(uncompared({ auc: 0.7919 }), old)).toEqual([
      `${why}: auc is 0.7919, the baseline recency has 0.8; higher is better, and 1 % worse is allowed`,
    ]);
    expect(reasons(uncompared({ logLoss: 0.5051 }), old)).toHaveLength(1);
  });

  test('a baseline that is not known is no pass', () => {
    expect(reasons(uncompared({}, false), old)).toEqual([
      `${why}, and the baseline to judge by instead is not known; train it again with the trainer of this release`,
    ]);
  });
});

test('no other reason lets the baseline take the place of the comparison', () => {
  const baseline = { name: 'recency', metrics: { auc: metric(0.5) } };
  const uncompared = challenger({}, { champion: null, baseline });
  const damaged: Incumbent = {
    version: CHAMPION,
    incomparable: { because: 'unusable', said: 'churn/model.onnx: its SHA-256 is another' },
  };
  expect(reasons(uncompared, damaged)).toEqual([
    `it was compared with no model, and ${CHAMPION} scores now, which can't be compared with: churn/model.onnx: its SHA-256 is another`,
  ]);
  expect(reasons(uncompared)).toHaveLength(1);
  // Compared before it was damaged: the figures stand.
  expect(reasons(challenger(), damaged)).toEqual([]);
});

test('an amount needs no calibration and no classes, and what is not asked is said', () => {
  const { calibrationError: _error, auc: _auc, ...others } = MANIFEST.metrics;
  const amount = challenger(
    { metrics: others, output: { ...MANIFEST.output, range: { min: 0, max: null } } },
    { classes: null, fairness: {} },
  );
  const { decision, checks } = judge(amount, null, GATE_LIMITS);
  expect(decision).toBe('promote');
  expect(checks.filter(({ state }) => state === 'notApplicable').map(({ check }) => check)).toEqual([
    'eachClass',
    'comparison',
    'selectionRatio',
    'equalizedOddsDifference',
    'groupCalibrationError',
    'calibrationError',
  ]);
});

test('numbers that are none pass nothing', () => {
  const nothing = challenger(
    { ...rows(NaN), ...metrics({ auc: NaN, calibrationError: NaN }) },
    feature('auc', NaN),
    NaN,
  );
  expect(reasons(nothing)).toHaveLength(5);
});

/** Faults that do not touch one another, each with a part of its reason. */
const FAULTS: [(one: Challenger) => Challenger, string][] = [
  [one => ({ ...one, manifest: { ...one.manifest, ...rows(1) } }), 'customers'],
  [one => edited(one, { archiveStart: '2025-12-31T00:00:00Z' }), 'days of history'],
  [one => edited(one, { classes: { positives: 1, negatives: 99 } }), 'with the label'],
  [one => edited(one, { champion: null }), 'no model'],
  [one => edited(one, feature('auc', 1)), 'churned alone'],
  [one => edited(one, { fairness: { age: { ...FAIR, selectionRatio: 0 } } }), 'age:'],
  [one => ({ ...one, manifest: { ...one.manifest, ...size(1e9) } }), 'bytes'],
  [one => ({ ...one, microsPerRow: 1e6 }), 'µs'],
  [
    one => ({
      ...one,
      manifest: { ...one.manifest, metrics: { ...one.manifest.metrics, calibrationError: metric(1) } },
    }),
    'calibration',
  ],
];
function edited(one: Challenger, evaluation: Partial<Evaluation>): Challenger {
  const { manifest } = one;
  return { ...one, manifest: { ...manifest, evaluation: { ...manifest.evaluation!, ...evaluation } } };
}

test('every reason is given, never only the first: any faults together give the reasons of each', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(FAULTS.length - 1)), picked => {
      const faulty = picked.reduce((one, at) => FAULTS[at]![0](one), challenger());
      const said = reasons(faulty);
      expect(said).toHaveLength(picked.length);
      for (const at of picked) expect(said.join('\n')).toContain(FAULTS[at]![1]);
      expect(judge(faulty, SCORING, GATE_LIMITS).decision).toBe(picked.length === 0 ? 'promote' : 'reject');
    }),
  );
});
