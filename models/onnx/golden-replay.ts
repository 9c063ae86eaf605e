/** Golden vectors through the runtime: it must answer as the trainer did, whatever the size of a batch. */
import { ArtifactError } from '../errors';
import type { Manifest } from '../registry/manifest';
import { GOLDEN_TOLERANCE } from '../registry/golden';
import type { GoldenVectors } from '../registry/golden';
import { takeAnswers } from './answers';

const SMALL_BATCH = 7;

interface Runs {
  readonly manifest: Manifest;
  run(vectors: Float32Array, rows: number): Promise<Float32Array>;
}

/** Replays in one large batch and in small ones. Throws `ArtifactError`. */
export async function replayGolden(model: Runs, golden: GoldenVectors): Promise<void> {
  for (const batch of [1_024, SMALL_BATCH])
    for (let row = 0; row < golden.rows; row += batch)
      await replayBatch(model, golden, row, Math.min(batch, golden.rows - row));
}

async function replayBatch(model: Runs, golden: GoldenVectors, first: number, rows: number): Promise<void> {
  const { name, version, layout } = model.manifest;
  const vectors = golden.inputs.subarray(first * layout.width, (first + rows) * layout.width);
  const found = new Float32Array(golden.rows);
  takeAnswers(model.manifest, await model.run(vectors, rows), found, first, rows);
  for (let row = first; row < first + rows; row++) {
    const expected = golden.outputs[row]!;
    if (Math.abs(found[row]! - expected) <= GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected))) continue;
    throw new ArtifactError(
      'golden-mismatch',
      `${name}/${version}/golden.jsonl`,
      `vector ${row + 1} gave ${found[row]}, the trainer says ${expected} (batches of ${rows})`,
    );
  }
}
