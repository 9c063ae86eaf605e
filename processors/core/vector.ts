/** The one writer of feature vectors. */
import type { EpochMs } from '../../schemas';
import { CATALOGUE } from './catalogue';
import type { CustomerFacts } from './facts';
import { summarise } from './summary';
import type { Summary } from './summary';

export const VECTOR_WIDTH = CATALOGUE.length;

/** Canonical: one NaN, no negative zero. The bits of a computed NaN depend on how the engine compiled the code. */
const canonical = (value: number): number => (value !== value ? NaN : value + 0);

/** Writes the features of a summary from `at` on, each computed in doubles and cast once. */
export function writeFeatures(summary: Summary, out: Float32Array, at: number): void {
  for (let index = 0; index < VECTOR_WIDTH; index++)
    out[at + index] = canonical(CATALOGUE[index]!.value(summary));
}

export function writeVector(facts: CustomerFacts, asOf: EpochMs, out: Float32Array, at: number): void {
  writeFeatures(summarise(facts, asOf), out, at);
}

/** The feature vector at `asOf`, which must not lie before the newest input. Width `VECTOR_WIDTH`. */
export function toVector(facts: CustomerFacts, asOf: EpochMs): Float32Array {
  const out = new Float32Array(VECTOR_WIDTH);
  writeVector(facts, asOf, out, 0);
  return out;
}
