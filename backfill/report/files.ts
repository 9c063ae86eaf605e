/**
 * What the report is made from: the files that the steps left in the run folder (docs/backfill.md). Each may be missing,
 * its section says so; one that is there and wrong is an error that names file and field. Fields that the report doesn't
 * show are passed over.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { stepFiles } from '../pipeline/step-record';

/** `run-missing`: no such folder. `run-damaged`: a file is not what its step writes. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  constructor(
    readonly code: 'run-missing' | 'run-damaged',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Milliseconds since 1970, or ISO 8601. */
const instant = z.union([z.number(), z.iso.datetime().transform(text => Date.parse(text))]);
const count = z.number().nonnegative();
const interval = z.object({ value: z.number(), low: z.number(), high: z.number() });
const metrics = z.record(z.string(), interval);
const counts = z.record(z.string(), count);

const planSchema = z.object({
  id: z.string(),
  source: z.union([z.string().transform(words => ({ words })), z.object({ words: z.string() })]),
  range: z.object({ startAt: instant, endAt: instant }),
  partitions: count,
  items: z.array(z.unknown()),
});

const side = z.object({ rows: count, from: instant.nullish(), until: instant.nullish() });
const datasetSchema = z.object({
  rows: count,
  customers: count.optional(),
  sides: z.record(z.string(), z.object({ training: side, validation: side })),
  range: z.object({ startAt: instant, endAt: instant }).optional(),
  sha256: z.string(),
  bytes: count.optional(),
  counts: counts.default({}),
});

const trainSchema = z.object({
  left: z.array(z.object({ name: z.string(), reason: z.string() })).default([]),
});

const group = z.object({
  rows: count,
  meanScore: z.number(),
  meanLabel: z.number(),
  selected: z.number(),
  truePositiveRate: z.number().nullish(),
  falsePositiveRate: z.number().nullish(),
  calibrationError: z.number().nullish(),
});
const fairness = z.object({
  selectionRatio: z.number(),
  selectionRatioInterval: interval.nullish(),
  selectionRatioChance: z.number().nullish(),
  equalizedOddsDifference: interval.nullish(),
  equalizedOddsChance: z.number().nullish(),
  calibrationError: z.number().nullish(),
  calibrationErrorChance: z.number().nullish(),
  groups: z.record(z.string(), group),
});
const trainedSchema = z.object({
  model: z.string(),
  seed: z.number(),
  method: z.string().optional(),
  rows: z.object({
    train: z.object({ rows: count, customers: count }),
    validation: z.object({ rows: count, customers: count }),
  }),
  metrics,
  gain: z.record(z.string(), z.number()).default({}),
  fairness: z.record(z.string(), fairness).default({}),
  proxies: z
    .record(
      z.string(),
      z.object({ feature: z.string(), auc: z.number(), allFeatures: z.object({ auc: z.number() }) }),
    )
    .default({}),
  evaluation: z.object({ champion: z.object({ version: z.string(), metrics }).nullable() }).optional(),
  championDifferences: metrics.nullish(),
  baselines: z.record(z.string(), metrics).default({}),
  differences: z.record(z.string(), metrics).default({}),
  curves: z
    .object({
      calibration: z.array(z.object({ score: z.number(), label: z.number(), rows: count })),
      lift: z.array(z.object({ share: z.number(), label: z.number(), gain: z.number() })),
    })
    .optional(),
});

const gateSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      champion: z.string().nullish(),
      decision: z.string(),
      reasons: z.array(z.string()),
      checks: z.array(z.object({ check: z.string(), state: z.string(), said: z.string() })).default([]),
    }),
  ),
});
const publishSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      promoted: z.boolean(),
      shadows: z.boolean().default(false),
      reason: z.string(),
    }),
  ),
});

const bound = instant.nullish();
const consistencySchema = z.object({
  scores: count,
  checked: count,
  differing: count,
  missing: count,
  missingBecause: counts.default({}),
  range: z.object({ from: bound, until: bound }).optional(),
  features: counts.default({}),
  examples: z
    .array(
      z.object({
        id: z.string(),
        asOf: z.string(),
        features: z
          .array(
            z.object({
              name: z.string(),
              published: z.number().nullish(),
              recomputed: z.number().nullish(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

/** drift.json, which `backfill drift` writes with this schema too. */
export const driftSchema = z.object({
  /** The models that it was measured against: those that scored before this run. */
  models: z.array(z.object({ name: z.string(), version: z.string() })),
  /** Customers as they were then; with `days`, by their newest snapshots in so many days before. */
  newestAt: instant,
  days: count.nullable(),
  customers: count,
  /** Why nothing is measured. */
  left: z.string().nullable(),
  /** The largest over the models, and whose that is; the largest first. */
  features: z.array(z.object({ name: z.string(), model: z.string(), psi: z.number() })),
  scores: z.array(z.object({ model: z.string(), psi: z.number() })),
  matured: z.array(
    z.object({
      model: z.string(),
      version: z.string(),
      /** `snapshots`: what the model answers today; `published`: what was published then. */
      source: z.enum(['snapshots', 'published']),
      from: instant,
      until: instant,
      rows: count,
      customers: count,
      metrics: z.record(z.string(), z.number()),
      /** The same on validation rows, as the manifest says. */
      promised: z.record(z.string(), z.number()).default({}),
      calibration: z.array(z.object({ score: z.number(), label: z.number(), rows: count })),
    }),
  ),
});
export type Drift = z.infer<typeof driftSchema>;

const stepSchema = z.object({
  seconds: count,
  counts: z.record(z.string(), z.number()),
  failed: z.string().nullable(),
});

export type Interval = z.infer<typeof interval>;
export type Trained = z.infer<typeof trainedSchema>;

export interface StepFigures extends z.infer<typeof stepSchema> {
  name: string;
}

/** Null: the file is not there. */
export interface RunFiles {
  plan: z.infer<typeof planSchema> | null;
  dataset: z.infer<typeof datasetSchema> | null;
  train: z.infer<typeof trainSchema> | null;
  /** By name of the model; empty: none was trained. */
  trained: ReadonlyMap<string, Trained>;
  gate: z.infer<typeof gateSchema> | null;
  publish: z.infer<typeof publishSchema> | null;
  consistency: z.infer<typeof consistencySchema> | null;
  drift: Drift | null;
  /** In the order of a night; of replay one for each item. */
  steps: readonly StepFigures[];
}

function readFile<S extends z.ZodType>(file: string, schema: S): z.infer<S> | null {
  if (!existsSync(file)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ReportError('run-damaged', `${file} is not JSON.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new ReportError('run-damaged', `${file}: ${path.join('.') || 'the whole'}: ${message}.`);
}

/** The models that the background documents name first, then others by name. */
const ORDER = ['engagement', 'churn', 'ltv'];
const place = (name: string): number => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);

function readTrained(folder: string): Map<string, Trained> {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  names.sort((a, b) => place(a) - place(b));
  const found = new Map<string, Trained>();
  for (const name of names) {
    const report = readFile(join(folder, name, 'report.json'), trainedSchema);
    if (report !== null) found.set(name, report);
  }
  return found;
}

const readSteps = (directory: string): StepFigures[] =>
  stepFiles(directory).map(({ name, file }) => ({ name, ...readFile(file, stepSchema)! }));

/** @throws ReportError */
export function readRunFiles(directory: string): RunFiles {
  if (!existsSync(directory)) throw new ReportError('run-missing', `There is no folder ${directory}.`);
  const at = (...names: string[]): string => join(directory, ...names);
  return {
    plan: readFile(at('plan.json'), planSchema),
    dataset: readFile(at('dataset.json'), datasetSchema),
    train: readFile(at('trained', 'train.json'), trainSchema),
    trained: readTrained(at('trained')),
    gate: readFile(at('gate.json'), gateSchema),
    publish: readFile(at('publish.json'), publishSchema),
    consistency: readFile(at('consistency.json'), consistencySchema),
    drift: readFile(at('drift.json'), driftSchema),
    steps: readSteps(directory),
  };
}
