/** The Scorer port over a list of verified artifacts: one column of answers per model, and why. */
import { setImmediate } from 'node:timers/promises';
import type { RawScores, ScoringConstants } from '../../processors/core';
import type { RawScoreColumns, Scorer } from '../../processors/ports';
import type { Reason } from '../../schemas';
import { ArtifactError } from '../errors';
import { LARGEST, reasonsOf } from '../explain/reasons';
import { TreeShap } from '../explain/tree-shap';
import { LAYOUT_FINGERPRINT } from '../layout';
import { canonicalJson } from '../canonical-json';
import type { Normalisation } from '../registry/manifest';
import type { VerifiedArtifact } from '../registry/registry';
import { takeAnswers } from './answers';
import { MAX_ROWS_PER_RUN, OnnxModel } from './session';

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
  const models: OnnxModel[] = [];
  const explainers: TreeShap[] = [];
  try {
    for (const artifact of artifacts) {
      models.push(await OnnxModel.open(artifact));
      if (explains && artifact.trees !== null) explainers.push(new TreeShap(artifact.trees));
    }
  } catch (error) {
    await Promise.all(models.map(model => model.release()));
    throw error;
  }
  return new ModelScorer(models, constants, explainers);
}

class ModelScorer implements OnnxScorer {
  private readonly width: number;
  private underWay = 0;
  private released: Promise<void> | null = null;
  private lastRunEnded: (() => void) | null = null;

  constructor(
    private readonly models: readonly OnnxModel[],
    readonly constants: ScoringConstants,
    private readonly explainers: readonly TreeShap[],
  ) {
    this.width = models[0]!.manifest.layout.width;
  }

  async score(vectors: Float32Array, rows: number): Promise<ScoreColumns> {
    if (this.released !== null) throw new Error('This scorer was released.');
    if (vectors.length < rows * this.width)
      throw new RangeError(`${rows} rows of ${this.width} features need ${rows * this.width} values.`);
    this.underWay++;
    try {
      return await this.runAll(vectors, rows);
    } finally {
      this.underWay--;
      if (this.underWay === 0) this.lastRunEnded?.();
    }
  }

  private async runAll(vectors: Float32Array, rows: number): Promise<ScoreColumns> {
    const columns: Record<string, Float32Array> = {};
    for (const { manifest } of this.models) columns[manifest.name] = new Float32Array(rows);
    for (let first = 0; first < rows; first += MAX_ROWS_PER_RUN) {
      const count = Math.min(MAX_ROWS_PER_RUN, rows - first);
      const chunk = vectors.subarray(first * this.width, (first + count) * this.width);
      for (const model of this.models)
        takeAnswers(
          model.manifest,
          await model.run(chunk, count),
          columns[model.manifest.name]!,
          first,
          count,
        );
    }
    return columns as ScoreColumns;
  }

  async explain(vectors: Float32Array, rows: readonly number[], largest = LARGEST): Promise<Reason[][]> {
    if (this.explainers.length === 0) return rows.map(() => []);
    const reasons: Reason[][] = [];
    for (const row of rows) {
      if (reasons.length > 0 && reasons.length % EXPLAINED_AT_ONCE === 0) await setImmediate();
      reasons.push(this.explainers.flatMap(shap => reasonsOf(shap, vectors, row * this.width, largest)));
    }
    return reasons;
  }

  release(): Promise<void> {
    this.released ??= this.releaseWhenIdle();
    return this.released;
  }

  private async releaseWhenIdle(): Promise<void> {
    if (this.underWay > 0) await new Promise<void>(resolve => (this.lastRunEnded = resolve));
    await Promise.all(this.models.map(model => model.release()));
  }
}

function constantsOf(artifacts: readonly VerifiedArtifact[]): ScoringConstants {
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

function normalisationOf(artifacts: readonly VerifiedArtifact[]): Normalisation {
  const carried = artifacts.flatMap(({ manifest: { normalisation } }) => normalisation ?? []);
  const first = carried[0];
  if (first === undefined)
    throw new ArtifactError('constants-missing', 'registry', 'no artifact carries normalisation constants');
  if (carried.some(other => canonicalJson(other) !== canonicalJson(first)))
    throw new ArtifactError('constants-conflict', 'registry', 'two artifacts carry different constants');
  return first;
}
