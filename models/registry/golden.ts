/** Golden vectors: inputs with the trainer's own answers, replayed before an artifact may score. */
import { ArtifactError } from '../errors';

export const MIN_GOLDEN_VECTORS = 50;
/** Relative to max(1, |y|): single precision, with the order of additions left to the runtime. */
export const GOLDEN_TOLERANCE = 1e-5;

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
