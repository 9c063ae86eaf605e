/**
 * Golden vectors: inputs with the trainer's own answers, replayed before an artifact may score. Ordinary ones alone would
 * prove little: runtimes differ on NaN, on extremes, and on values exactly on a split threshold.
 */
import { ArtifactError } from '../errors';
import type { Tree, TreeModel } from '../explain/trees';

export const MIN_GOLDEN_VECTORS = 50;
/** Relative to max(1, |y|): single precision, with the order of additions left to the runtime. */
export const GOLDEN_TOLERANCE = 1e-5;

/** From here on a value is extreme: float32 ends at 3.4e38. */
const EXTREME = 1e38;

export interface GoldenVectors {
  rows: number;
  /** Row-major, `rows` × width. */
  inputs: Float32Array;
  outputs: Float32Array;
}

/** One `{"x":[...],"y":number}` a line; null stands for NaN, numbers are exact float32 values. */
export function readGolden(text: string, width: number, artifact: string): GoldenVectors {
  const lines = text.split('\n').filter(line => line !== '');
  if (lines.length < MIN_GOLDEN_VECTORS)
    throw malformed(artifact, `it holds ${lines.length} vectors, at least ${MIN_GOLDEN_VECTORS} are needed`);
  const inputs = new Float32Array(lines.length * width);
  const outputs = new Float32Array(lines.length);
  lines.forEach((line, row) => {
    const where = `line ${row + 1}`;
    const { x, y } = readLine(line, artifact, where);
    if (x.length !== width) throw malformed(artifact, `${where} has ${x.length} values, the layout ${width}`);
    inputs.set(
      x.map(value => float32(value === null ? NaN : value, artifact, where)),
      row * width,
    );
    outputs[row] = float32(y, artifact, where);
    if (!Number.isFinite(outputs[row])) throw malformed(artifact, `${where}: y is not finite`);
  });
  return { rows: lines.length, inputs, outputs };
}

/**
 * Among the vectors are NaN and an extreme, and a value exactly on a threshold of every feature that the trees split on.
 * `trees` null: the model has none. Throws `ArtifactError`.
 */
export function checkGoldenCover({ inputs }: GoldenVectors, trees: TreeModel | null, artifact: string): void {
  if (!inputs.some(Number.isNaN)) throw malformed(artifact, 'no vector holds NaN');
  if (!inputs.some(value => Math.abs(value) >= EXTREME))
    throw malformed(artifact, `no vector holds an extreme, ${EXTREME} or beyond`);
  if (trees === null) return;
  const width = trees.features.length;
  for (const [feature, thresholds] of thresholdsOf(trees.trees)) {
    let at = feature;
    while (at < inputs.length && !thresholds.has(inputs[at]!)) at += width;
    if (at >= inputs.length)
      throw malformed(artifact, `no vector lies exactly on a split of ${trees.features[feature]}`);
  }
}

function thresholdsOf(trees: readonly Tree[]): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  for (const { feature, threshold } of trees)
    feature.forEach((index, node) => {
      if (index >= 0) found.set(index, (found.get(index) ?? new Set()).add(threshold[node]!));
    });
  return found;
}

function readLine(line: string, artifact: string, where: string): { x: unknown[]; y: unknown } {
  try {
    const value = JSON.parse(line) as { x: unknown; y: unknown } | null;
    if (value !== null && Array.isArray(value.x)) return { x: value.x as unknown[], y: value.y };
  } catch (cause) {
    throw malformed(artifact, `${where} is not JSON`, cause);
  }
  throw malformed(artifact, `${where} has no list x`);
}

function float32(value: unknown, artifact: string, where: string): number {
  if (typeof value !== 'number') throw malformed(artifact, `${where} holds something that is not a number`);
  const cast = Math.fround(value);
  if (cast !== value && value === value)
    throw malformed(artifact, `${where}: ${value} is not a float32 value`);
  return cast;
}

const malformed = (artifact: string, reason: string, cause?: unknown): ArtifactError =>
  new ArtifactError('golden-malformed', `${artifact}/golden.jsonl`, reason, { cause });
