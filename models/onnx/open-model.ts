/** A model that scores: its session, its answers checked against the manifest, and its trees for reasons. */
import { TreeShap } from '../explain/tree-shap';
import type { Manifest } from '../registry/manifest';
import type { VerifiedArtifact } from '../registry/registry';
import { takeAnswers } from './answers';
import { MAX_ROWS_PER_RUN, OnnxModel } from './session';

export class OpenModel {
  private underWay = 0;
  private released: Promise<void> | null = null;
  private lastRunEnded: (() => void) | null = null;

  private constructor(
    private readonly runtime: OnnxModel,
    /** Null: it gives no reasons. */
    readonly shap: TreeShap | null,
  ) {}

  /** Golden replay included. Throws `ArtifactError`; nothing stays open then. */
  static async open(artifact: VerifiedArtifact, explains: boolean): Promise<OpenModel> {
    const shap = explains && artifact.trees !== null ? await TreeShap.inTurns(artifact.trees) : null;
    return new OpenModel(await OnnxModel.open(artifact), shap);
  }

  get manifest(): Manifest {
    return this.runtime.manifest;
  }
  get name(): string {
    return this.manifest.name;
  }
  get version(): string {
    return this.manifest.version;
  }
  get isAmount(): boolean {
    return this.manifest.output.range.max === null;
  }

  /**
   * Answers of the first `rows` of `vectors`, in runs of at most 1,024. Throws `ArtifactError` (`output-invalid`) for an
   * answer that no score may have.
   */
  async answer(vectors: Float32Array, rows: number): Promise<Float32Array> {
    if (this.released !== null) throw new Error(`${this.name}/${this.version} was released.`);
    const { width } = this.manifest.layout;
    const column = new Float32Array(rows);
    this.underWay++;
    try {
      for (let first = 0; first < rows; first += MAX_ROWS_PER_RUN) {
        const count = Math.min(MAX_ROWS_PER_RUN, rows - first);
        const chunk = vectors.subarray(first * width, (first + count) * width);
        takeAnswers(this.manifest, await this.runtime.run(chunk, count), column, first, count);
      }
      return column;
    } finally {
      this.underWay--;
      if (this.underWay === 0) this.lastRunEnded?.();
    }
  }

  /** Frees the session after the last run that is under way. */
  release(): Promise<void> {
    this.released ??= this.releaseWhenIdle();
    return this.released;
  }

  private async releaseWhenIdle(): Promise<void> {
    if (this.underWay > 0) await new Promise<void>(resolve => (this.lastRunEnded = resolve));
    await this.runtime.release();
  }
}
