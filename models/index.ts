/** Models: signed artifacts in a registry, verified, replayed, then scored in batches. */
import type { ModelReference } from '../schemas';
import type { TrustedKey } from './signing';
import { trustedKeysSchema } from './signing';
import { baselineDirectory } from './baseline-place';
import baselineKeys from './baseline/trusted-keys.json';
import { REQUIRED_MODELS, createScorer } from './onnx/scorer';
import type { OnnxScorer } from './onnx/scorer';
import { openStore } from './registry/open-store';
import type { S3Access } from './registry/open-store';
import { loadArtifact, loadVersion } from './registry/registry';

export { openRegistrySource } from './live/registry-source';
export type { SourcePlace } from './live/registry-source';

export { ARTIFACT_ERRORS, ArtifactError } from './errors';
export type { ArtifactErrorCode } from './errors';
export { DriftWatch } from './drift/watch';
export type { DriftReadings } from './drift/watch';
export { LAYOUT_FINGERPRINT } from './layout';
export { createScorer, loadArtifact };
export type { OnnxScorer };
export type { TrustedKey } from './signing';
export type { RegistryPlace, VerifiedArtifact } from './registry/registry';
export { baselineDirectory };

/** Set of the demonstration models that come with the program. */
export const BASELINE_SET = 'baseline';

/** Keys that come with the program: trusted for the demonstration models and for nothing else. */
export const BASELINE_KEYS: readonly TrustedKey[] = trustedKeysSchema.parse(baselineKeys).keys;

export interface ScorerPlace {
  /** The registry: a folder, for example `models/baseline`, or s3://bucket/prefix. */
  directory: string;
  /** How the bucket is reached. */
  s3?: S3Access;
  set?: string;
  keys?: readonly TrustedKey[];
  names?: readonly string[];
  /** These instead of the current ones: what a score of another day was made with. */
  versions?: readonly ModelReference[];
  /** false: scores without reasons. */
  explains?: boolean;
}

/**
 * Loads, verifies and opens the current version of each model of a registry, or the `versions` asked for. Throws `ArtifactError` with
 * a stable code when any of them may not score; nothing stays open then.
 */
export async function openScorer({
  directory,
  s3,
  set = BASELINE_SET,
  keys = BASELINE_KEYS,
  names = REQUIRED_MODELS,
  versions,
  explains = true,
}: ScorerPlace): Promise<OnnxScorer> {
  const store = openStore(directory, s3);
  try {
    const artifacts = [];
    const place = { store, set, keys };
    if (versions === undefined) for (const name of names) artifacts.push(await loadArtifact(place, name));
    else for (const one of versions) artifacts.push(await loadVersion(place, one.name, one.version, null));
    return await createScorer(artifacts, explains);
  } finally {
    store.close();
  }
}

/** The demonstration models that come with the program, verified and open. Throws `ArtifactError`. */
export const baselineScorer = (): Promise<OnnxScorer> => openScorer({ directory: baselineDirectory() });
