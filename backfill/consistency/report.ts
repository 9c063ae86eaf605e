/** What a check of consistency found, as consistency.json and as metrics. */
import type { Family } from '../prometheus';
import type { FeatureDifference } from './compare';

/** Why a score could not be compared. Each is an excuse only when the vectors differ: equal ones need none. */
export type MissingReason =
  /** The score's position lies behind what is archived. */
  | 'notArchived'
  /** The archive begins after the log did, or a gap in it was accepted. */
  | 'historyNotWhole'
  /** The score was made by a program with other features. */
  | 'otherLayout';

export interface Example {
  /** Message id of the score: `rescore explain --score` takes it. */
  id: string;
  partition: number;
  /** ISO 8601. */
  asOf: string;
  publishedHash: string;
  recomputedHash: string;
  /** Empty where the score does not say: it has neither its vector nor a reason that differs. */
  features: FeatureDifference[];
}

export interface ConsistencyReport {
  /** Published in the range. */
  scores: number;
  /** Compared, equal or not. */
  checked: number;
  differing: number;
  missing: number;
  missingBecause: Partial<Record<MissingReason, number>>;
  /** Checked scores that carry their whole vector. */
  wholeVectors: number;
  /** Differing scores by feature, as far as they say. */
  features: Record<string, number>;
  /** The first by partition, as-of and id. */
  examples: Example[];
}

export const EXAMPLES = 10;

export const emptyReport = (): ConsistencyReport => ({
  scores: 0,
  checked: 0,
  differing: 0,
  missing: 0,
  missingBecause: {},
  wholeVectors: 0,
  features: {},
  examples: [],
});

/** `published 3, recomputed 4`, for a person. */
export const differenceInWords = ({ name, published, recomputed }: FeatureDifference): string =>
  `${name}: published ${published ?? 'undefined'}, recomputed ${recomputed ?? 'undefined'}`;

const GAUGES = [
  ['scores', 'published', 'Scores published in the range of the last check.'],
  ['checked', 'checked', 'Scores whose vector was computed again and compared.'],
  ['differing', 'differing', 'Scores whose vector is not the one that was scored.'],
  ['missing', 'missing', 'Scores that could not be compared.'],
] as const satisfies (readonly [keyof ConsistencyReport, string, string])[];

/** As metrics. `checkedAt`: ms. */
export const reportFamilies = (report: ConsistencyReport, checkedAt: number): Family[] => [
  ...GAUGES.map(([field, name, help]) => ({
    name: `rescore_consistency_${name}_scores`,
    help,
    samples: [{ value: report[field] }],
  })),
  {
    name: 'rescore_consistency_timestamp_seconds',
    help: 'When the last check ended.',
    samples: [{ value: checkedAt / 1_000 }],
  },
];
