/**
 * The manifest: everything that is known of an artifact, under one signature. Files are fixed names with digests;
 * no path is ever read from it. Numbers that JSON cannot say (NaN, infinities) have no place in it.
 */
import { z } from 'zod';
import { ArtifactError } from '../errors';
import { canonicalJson } from '../canonical-json';
import type { JsonValue } from '../canonical-json';

export const CONTRACT_VERSION = 1;

/** Names of models and sets: they become folders, so nothing that a path could mean. */
export const NAME = /^[a-z][a-z0-9-]{0,39}$/;
/**
 * Instant at which the training data ends, then the first 8 hex digits of the model's SHA-256: sorts by time, and
 * the same data and seed give the same version.
 */
export const VERSION = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;

/** Largest sizes in bytes. The limits of model and golden vectors bound what a load may cost. */
export const FILE_LIMITS = {
  'model.onnx': 8 << 20,
  'golden.jsonl': 4 << 20,
  'trees.json': 16 << 20,
  'card.md': 1 << 20,
  'calibration.svg': 256 << 10,
  'lift.svg': 256 << 10,
} as const;
export type ArtifactFile = keyof typeof FILE_LIMITS;
export const ARTIFACT_FILES = Object.keys(FILE_LIMITS) as ArtifactFile[];
type RequiredFile = 'model.onnx' | 'golden.jsonl' | 'card.md';
/** Content of an artifact's files. */
export type ArtifactFiles = Record<RequiredFile, Uint8Array> &
  Partial<Record<Exclude<ArtifactFile, RequiredFile>, Uint8Array>>;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a SHA-256 in lower-case hex' });
const instant = z.iso.datetime();
const count = z.int().nonnegative();
const file = z.strictObject({ sha256: hex64, bytes: count });
const range = z.strictObject({ min: z.number(), max: z.number() }).refine(({ min, max }) => min < max, {
  error: 'min must lie below max',
});
/** With its 95 % interval. */
const metric = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
const split = z.strictObject({ rows: count, customers: count });

const share = z.number().min(0).max(1);

const QUANTILES = 21;
const areQuantiles = (values: readonly number[]): boolean =>
  values.length === QUANTILES && values.every((value, at) => at === 0 || value >= values[at - 1]!);
/** Drift is counted into the bins between them, by halving: out of order or too few they would say anything. */
const NO_QUANTILES = { error: `must be ${QUANTILES} numbers in ascending order` };

/**
 * How answers fall on the groups of an attribute; `selected`: among the highest fifth. Manifests of earlier trainers have
 * no more than the selection ratio; null: too few rows to tell. A chance is how often groups drawn by lot are as far apart.
 */
const attributeSchema = z.strictObject({
  selectionRatio: share,
  selectionRatioChance: share.optional(),
  equalizedOddsDifference: share.nullish(),
  equalizedOddsChance: share.nullish(),
  /** Of the worst group, in the unit of the label. */
  calibrationError: z.number().nonnegative().optional(),
  calibrationErrorChance: share.nullish(),
  groups: z.record(
    z.string(),
    z.strictObject({
      rows: count,
      meanScore: z.number(),
      meanLabel: z.number(),
      selected: share,
      /** Share of the selected among those whose label is high, and among the others. */
      truePositiveRate: share.nullish(),
      falsePositiveRate: share.nullish(),
      calibrationError: z.number().nonnegative().optional(),
    }),
  ),
});

/** The feature that tells a group of an attribute best (AUC against the others), and what all features tell together. */
const proxySchema = z.strictObject({
  feature: z.string().min(1),
  group: z.string(),
  auc: share,
  allFeatures: z.strictObject({ group: z.string(), auc: share }),
});

/** What the gate asks for besides metrics (models/gate). */
const evaluationSchema = z.strictObject({
  /** The first event of the archive: with its end, the days of history. */
  archiveStart: instant,
  /** Training rows with and without the label; null for a label that is no class. */
  classes: z.strictObject({ positives: count, negatives: count }).nullable(),
  /** SHA-256 of the validation rows: what "the same hold-out" means. */
  holdOutSha256: hex64,
  /** Features that alone tell most of the label, the strongest first. */
  strongestFeatures: z
    .array(z.strictObject({ feature: z.string().min(1), measure: z.enum(['auc', 'r2']), value: z.number() }))
    .min(1),
  /** By attribute of the profile; empty when no group is known. */
  fairness: z.record(z.string(), attributeSchema),
  /** By attribute; those without groups enough are left out. */
  proxies: z.record(z.string(), proxySchema).optional(),
  /** The model that scored when this one was trained, on the same validation rows; null when none did. */
  champion: z
    .strictObject({ version: z.string().regex(VERSION), metrics: z.record(z.string(), metric) })
    .nullable(),
  /** What anybody would do without a model, on the same rows: the measure where the champion is of another layout. */
  baseline: z.strictObject({ name: z.string().min(1), metrics: z.record(z.string(), metric) }).optional(),
});

export const manifestSchema = z.strictObject({
  contract: z.literal(CONTRACT_VERSION),
  set: z.string().regex(NAME),
  name: z.string().regex(NAME),
  version: z.string().regex(VERSION),
  layout: z.strictObject({ fingerprint: hex64, width: z.int().positive() }),
  input: z.strictObject({ name: z.string().min(1), shape: z.tuple([z.null(), z.int().positive()]) }),
  output: z.strictObject({
    name: z.string().min(1),
    shape: z.tuple([z.null(), z.literal(1)]),
    /** Answers outside are errors; null = no bound. */
    range: z.strictObject({ min: z.number(), max: z.number().nullable() }),
  }),
  files: z.strictObject({
    'model.onnx': file,
    'golden.jsonl': file,
    /** What explanations are made from; a model without trees has none, and its scores have no reasons. */
    'trees.json': file.exactOptional(),
    'card.md': file,
    /** The pictures that the card shows; artifacts of earlier trainers have none. */
    'calibration.svg': file.exactOptional(),
    'lift.svg': file.exactOptional(),
  }),
  /** Instants of the first and last training snapshot, and the end of the archive that labels were read from. */
  trainingRange: z.strictObject({ from: instant, until: instant, archiveEnd: instant, source: z.string() }),
  rows: z.strictObject({ train: split, validation: split }),
  /** On validation rows. */
  metrics: z.record(z.string(), metric),
  /** Absent: the gate refuses it. */
  evaluation: evaluationSchema.optional(),
  parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  codeCommit: z.string().regex(/^([0-9a-f]{40}|unknown)$/),
  seed: z.int(),
  /** Frozen constants of RFM and of the vip alert; exactly one model of a run carries them. */
  normalisation: z
    .strictObject({
      rfm: z.strictObject({
        daysSinceLastOrder: range,
        ordersLifetime: range,
        sessionsLast30Days: range,
        lnRevenueLifetime: range,
      }),
      vipLtvMinor: z.int().positive(),
    })
    .nullable(),
  /** Of the training rows, at 0, 5, ..., 100 %: what drift is measured against. */
  quantiles: z.strictObject({
    score: z.array(z.number()).refine(areQuantiles, NO_QUANTILES),
    features: z.record(
      z.string(),
      z.strictObject({
        undefinedShare: share,
        /** Empty when every value was undefined. */
        values: z
          .array(z.number())
          .refine(values => values.length === 0 || areQuantiles(values), NO_QUANTILES),
      }),
    ),
  }),
});
export type Manifest = z.infer<typeof manifestSchema>;
export type Evaluation = NonNullable<Manifest['evaluation']>;
export type Normalisation = NonNullable<Manifest['normalisation']>;

export const writeManifest = (manifest: Manifest): string => canonicalJson(manifest as unknown as JsonValue);

/** Parses the bytes of a manifest. Throws `ArtifactError` naming the field. */
export function readManifest(text: string, artifact: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ArtifactError('manifest-malformed', artifact, 'manifest.json is not JSON', { cause });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new ArtifactError('manifest-malformed', artifact, `${path.join('.') || 'manifest'}: ${message}`);
  }
  if (writeManifest(parsed.data) !== text)
    throw new ArtifactError('manifest-not-canonical', artifact, 'manifest.json is not canonical JSON');
  return parsed.data;
}
