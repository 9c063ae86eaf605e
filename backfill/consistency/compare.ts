/** A published score against the vector that its position gives back. */
import { FEATURE_NAMES, hashHex, hashVector } from '../../processors/core';
import type { PublishedScore } from './published';

/** A feature whose value was another one when the score was made. null: undefined. */
export interface FeatureDifference {
  name: string;
  published: number | null;
  recomputed: number | null;
}

export interface Comparison {
  isEqual: boolean;
  /** Of the vector that was computed now, 16 hex digits. */
  vectorHash: string;
  /** As far as the score says what it was made of: its whole vector, else the values behind its reasons. */
  features: FeatureDifference[];
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** What the score itself says of its vector, by the index of the feature. */
function saidBy({ score: { reasons, vector } }: PublishedScore): Map<number, number | null> {
  if (vector != null) return new Map(vector.entries());
  const said = new Map<number, number | null>();
  for (const { feature, value } of reasons) {
    const index = FEATURE_NAMES.indexOf(feature);
    if (index >= 0) said.set(index, value);
  }
  return said;
}

export function compare(published: PublishedScore, vector: Float32Array): Comparison {
  const vectorHash = hashHex(hashVector(vector, 0, vector.length));
  if (vectorHash === published.score.vectorHash) return { isEqual: true, vectorHash, features: [] };
  const features: FeatureDifference[] = [];
  for (const [index, value] of saidBy(published)) {
    const recomputed = known(vector[index]!);
    if (recomputed !== value) features.push({ name: FEATURE_NAMES[index]!, published: value, recomputed });
  }
  return { isEqual: false, vectorHash, features };
}
