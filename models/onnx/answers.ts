/** Answers of a model on their way out: nothing that is not a number, nothing outside the range of the manifest. */
import { ArtifactError } from '../errors';
import type { Manifest } from '../registry/manifest';

/** Copies `rows` answers to `at` of a column. Throws `ArtifactError` (`output-invalid`) naming the row. */
export function takeAnswers(
  manifest: Manifest,
  answers: Float32Array,
  column: Float32Array,
  at: number,
  rows: number,
): void {
  const { min, max } = manifest.output.range;
  const most = max ?? Number.MAX_VALUE;
  for (let row = 0; row < rows; row++) {
    const value = answers[row]!;
    // Also false for NaN.
    if (!(value >= min && value <= most)) throw invalid(manifest, value, at + row);
    column[at + row] = value;
  }
}

function invalid({ name, version, output }: Manifest, value: number, row: number): ArtifactError {
  const { min, max } = output.range;
  return new ArtifactError(
    'output-invalid',
    `${name}/${version}`,
    `row ${row} gave ${value}, the manifest allows ${min} to ${max ?? 'any number'}`,
  );
}
