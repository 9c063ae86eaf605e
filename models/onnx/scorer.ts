/** The Scorer port over a list of verified artifacts: one column of answers per model, and why. */
import { setImmediate } from 'node:timers/promises';
import { VECTOR_WIDTH } from '../../processors/core';
import type { RawScores, ScoringConstants } from '../../processors/core';
import type { RawScoreColumns, Scorer, TrainedOn } from '../../processors/ports';
import type { Reason } from '../../schemas';
import { ArtifactError } from '../errors';
import { LARGEST, reasonsOf } from '../explain/reasons';
import { LAYOUT_FINGERPRINT } from '../layout';
import { canonicalJson } from '../canonical-json';
import type { Manifest, Normalisation } from '../registry/manifest';
import type { VerifiedArtifact } from '../registry/registry';
import { OpenModel } from './open-model';

/** Without these no customer can be scored; a scorer may hold more. */
export const REQUIRED_MODELS = ['engagement', 'churn', 'ltv'] as const satisfies (keyof RawScores)[];

/** Vectors explained between two looks at the event loop: 1 to 3 ms. */
const EXPLAINED_AT_ONCE = 64;

/** Answers by model name. */
export type ScoreColumns = RawScoreColumns & Readonly<Record<string, Float32Array>>;

export interface OnnxScorer extends Scorer {
  /**
   * Columns by model name, fresh arrays of `rows` answers: engagement and churn 0..1, ltv in major units. `vectors`
   * may be longer than `rows`. Throws `ArtifactError` (`output-invalid`) for an answer that no score may have.
   */
  score(vectors: Float32Array, rows: number): Promise<ScoreColumns>;
  explain(vectors: Float32Array, rows: readonly number[], largest?: number): Promise<Reason[][]>;
  /** Frees the sessions after the last run that is under way. */
  release(): Promise<void>;
}

/** Opens every artifact (golden replay included). Throws `ArtifactError`; nothing stays open then. */
export async function createScorer(
  artifacts: readonly VerifiedArtifact[],
  explains: boolean,
): Promise<OnnxScorer> {
  const constants = constantsOf(artifacts);
  const models: OpenModel[] = [];
  try {
    for (const artifact of artifacts) models.push(await OpenModel.open(artifact, explains));
  } catch (error) {
    await Promise.all(models.map(model => model.release()));
    throw error;
  }
  return new ModelScorer(models, constants);
}

class ModelScorer implements OnnxScorer {
  readonly explain: OnnxScorer['explain'];
  readonly trainedOn: readonly TrainedOn[];
  private readonly width: number;
  private isReleased = false;
  private readonly underWay = new Set<Promise<ScoreColumns>>();

  constructor(
    private readonly models: readonly OpenModel[],
    readonly constants: ScoringConstants,
  ) {
    this.width = models[0]!.manifest.layout.width;
    this.explain = explainerOf(models);
    this.trainedOn = trainedOnOf(models);
  }

  async score(vectors: Float32Array, rows: number): Promise<ScoreColumns> {
    if (this.isReleased) throw new Error('This scorer was released.');
    if (vectors.length < rows * this.width)
      throw new RangeError(`${rows} rows of ${this.width} features need ${rows * this.width} values.`);
    const answering = this.askAll(vectors, rows);
    this.underWay.add(answering);
    try {
      return await answering;
    } finally {
      this.underWay.delete(answering);
    }
  }

  /** One after another: each run blocks the event loop, and others want their turn. */
  private async askAll(vectors: Float32Array, rows: number): Promise<ScoreColumns> {
    const columns: Record<string, Float32Array> = {};
    for (const model of this.models) columns[model.name] = await model.answer(vectors, rows);
    return columns as ScoreColumns;
  }

  async release(): Promise<void> {
    this.isReleased = true;
    await Promise.allSettled(this.underWay);
    await Promise.all(this.models.map(model => model.release()));
  }
}

/** What drift of these models is measured against. */
export const trainedOnOf = (models: readonly OpenModel[]): TrainedOn[] =>
  models.map(({ manifest: { name, version, quantiles } }) => ({ name, version, quantiles }));

/** Reasons by the trees of these models, one after another; the event loop is free every few milliseconds. */
export function explainerOf(models: readonly OpenModel[]): OnnxScorer['explain'] {
  const explainers = models.flatMap(({ shap }) => shap ?? []);
  return async (vectors, rows, largest = LARGEST) => {
    if (explainers.length === 0) return rows.map(() => []);
    const reasons: Reason[][] = [];
    for (const row of rows) {
      if (reasons.length > 0 && reasons.length % EXPLAINED_AT_ONCE === 0) await setImmediate();
      reasons.push(explainers.flatMap(shap => reasonsOf(shap, vectors, row * VECTOR_WIDTH, largest)));
    }
    return reasons;
  };
}

/** What the models say together. Throws `ArtifactError`. */
export function constantsOf(artifacts: readonly { readonly manifest: Manifest }[]): ScoringConstants {
  const names = artifacts.map(({ manifest }) => manifest.name);
  const missing = REQUIRED_MODELS.filter(name => !names.includes(name));
  if (missing.length > 0 || new Set(names).size < names.length)
    throw new ArtifactError(
      'models-incomplete',
      'registry',
      `the models are ${names.join(', ') || 'none'}; one each of ${REQUIRED_MODELS.join(', ')} is needed`,
    );
  const { rfm, vipLtvMinor } = normalisationOf(artifacts);
  const models = artifacts.map(({ manifest: { name, version } }) => ({ name, version }));
  return { models, layout: LAYOUT_FINGERPRINT, rfm, vipLtvMinor };
}

function normalisationOf(artifacts: readonly { readonly manifest: Manifest }[]): Normalisation {
  const carried = artifacts.flatMap(({ manifest: { normalisation } }) => normalisation ?? []);
  const first = carried[0];
  if (first === undefined)
    throw new ArtifactError('constants-missing', 'registry', 'no artifact carries normalisation constants');
  if (carried.some(other => canonicalJson(other) !== canonicalJson(first)))
    throw new ArtifactError('constants-conflict', 'registry', 'two artifacts carry different constants');
  return first;
}
