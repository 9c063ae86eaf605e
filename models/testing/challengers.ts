/** A churn model that the gate lets through, to be changed in one thing. */
import type { Incumbent } from '../gate/comparison';
import type { Challenger } from '../gate/gate';
import type { Evaluation, Manifest } from '../registry/manifest';
import { draftOf, filesOf, tinyModel } from './artifacts';

export const CHAMPION = '20251201T000000Z-00000000';
/** The model that it was compared with, and that scores now. */
export const SCORING: Incumbent = { version: CHAMPION, incomparable: null };
export const metric = (value: number) => ({ value, low: value, high: value });
const group = { rows: 300, meanScore: 0.5, meanLabel: 0.5, selected: 0.2 };

export type Attribute = Evaluation['fairness'][string];
export const FAIR: Attribute = {
  selectionRatio: 0.9,
  equalizedOddsDifference: 0.02,
  calibrationError: 0.01,
  groups: { female: group, male: group },
};
export const EVALUATION: Evaluation = {
  archiveStart: '2025-01-01T00:00:00Z',
  classes: { positives: 300, negatives: 700 },
  holdOutSha256: '0'.repeat(64),
  strongestFeatures: [{ feature: 'last_login_days_ago', measure: 'auc', value: 0.9 }],
  fairness: { gender: FAIR },
  proxies: {
    gender: {
      feature: 'tenure_months',
      group: 'male',
      auc: 0.52,
      allFeatures: { group: 'male', auc: 0.55 },
    },
  },
  champion: { version: CHAMPION, metrics: { auc: metric(0.8), logLoss: metric(0.5), baseRate: metric(0.4) } },
};

export const MANIFEST: Manifest = {
  ...draftOf('churn', filesOf(tinyModel(true))['model.onnx']),
  files: Object.fromEntries(
    ['model.onnx', 'golden.jsonl', 'trees.json', 'card.md'].map(file => [
      file,
      { sha256: '0'.repeat(64), bytes: 1_000 },
    ]),
  ) as Manifest['files'],
  rows: { train: { rows: 9_000, customers: 900 }, validation: { rows: 900, customers: 90 } },
  metrics: {
    auc: metric(0.82),
    logLoss: metric(0.48),
    calibrationError: metric(0.01),
    baseRate: metric(0.9),
  },
  evaluation: EVALUATION,
};

export const challenger = (
  manifest: Partial<Manifest> = {},
  evaluation: Partial<Evaluation> = {},
  microsPerRow: number | null = 3,
): Challenger => ({
  manifest: { ...MANIFEST, evaluation: { ...EVALUATION, ...evaluation }, ...manifest },
  microsPerRow,
});
