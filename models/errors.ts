/** What can be wrong with an artifact or with its answers: stable codes, each with what to do next. */
export const ARTIFACT_ERRORS = {
  'name-malformed': 'Name models with lower-case letters, digits and dashes, at most 40.',
  'pointer-missing': 'Publish an artifact of this name, or set models.directory to a folder of artifacts.',
  'shadow-malformed': 'Set it again with `rescore models shadow`, or end it with `off`.',
  'pointer-malformed':
    'Restore current.json from a copy; or move it away, and point anew with `rescore models promote`.',
  'version-malformed':
    'Name one that `rescore models list` shows; if current.json holds it, restore that file from a copy.',
  'version-missing': 'Copy the version into the registry, or point current.json at one that is there.',
  'file-missing': 'Copy the whole version again: an artifact is complete or it is not used.',
  'file-oversize': 'Train a smaller model, with fewer or shallower trees.',
  'manifest-digest-mismatch': 'The manifest is not the published one: copy the version again.',
  'signature-malformed': 'Sign the manifest again: manifest.sig is "ed25519 KEY-ID SIGNATURE".',
  'signer-unknown': 'Add the public key to the trusted keys, if you trust who holds it.',
  'signer-not-trusted': 'Sign with a key that is trusted for this set of artifacts.',
  'signature-invalid': 'The manifest was changed after it was signed: copy the version again.',
  'manifest-malformed': 'Train again with a trainer of this release.',
  'manifest-not-canonical': 'Write the manifest as canonical JSON before it is signed.',
  'identity-mismatch': 'The manifest belongs to another artifact: copy the version again.',
  'layout-mismatch': 'Train on the feature layout of this release.',
  'shape-mismatch': 'Train on the feature layout of this release, with one output per model.',
  'file-digest-mismatch': 'The file is not the one that was signed: copy the version again.',
  'onnx-malformed': 'The file is cut or damaged: export the model again.',
  'onnx-external-data': 'Export the model with its weights inside the file.',
  'onnx-custom-operator': 'Export with operators of ai.onnx and ai.onnx.ml alone.',
  'onnx-not-finite':
    'Train again: a threshold or leaf of a tree is no number, and whoever came there would have no score.',
  'onnx-rejected': 'Export the model for the opset that the runtime supports (15).',
  'golden-malformed':
    'Train again: golden.jsonl holds one {"x":[...],"y":number} a line, NaN, extremes and split thresholds among them.',
  'golden-mismatch': 'The runtime does not answer as the trainer did: export again, and compare versions.',
  'trees-malformed': 'Export trees.json again with the trainer of this release, trees at most 5 deep.',
  'trees-mismatch': 'The trees are not those of the model: export model.onnx and trees.json in one run.',
  'output-invalid': 'Do not use this model: it gives numbers that no score may have.',
  'models-incomplete': 'Publish artifacts for engagement, churn and ltv.',
  'constants-missing': 'One of the artifacts must carry normalisation constants: train ltv again.',
  'constants-conflict': 'Artifacts that carry normalisation constants must agree: train them in one run.',
  'version-exists': 'Versions never change: give the new artifact a new version.',
  'version-withdrawn':
    'It was rolled back: publish a newer one, or bring it back with `rescore models promote`.',
  'rollback-impossible': 'Name a version with --to; `rescore models list` shows those that are there.',
  'location-malformed': 'Write a path, s3://bucket or s3://bucket/prefix.',
  'audit-damaged': 'Somebody wrote under _audit/: restore the object from a copy, or move it away.',
  'registry-claimed':
    'Wait for that process; if it died, delete the file: it holds nothing but the right to move the pointer.',
  'registry-unreachable':
    'Check the address, models.s3Endpoint, and the rights and credentials of this process.',
  'registry-unsafe': 'Keep the registry on a server that honours conditional writes, or in a folder.',
  'pointer-moved': 'Somebody else published in between: look at the registry, then publish again.',
} as const;
export type ArtifactErrorCode = keyof typeof ARTIFACT_ERRORS;

/** An artifact that may not score. `reason` says what was found, `remedy` what to do; the message is both. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  readonly remedy: string;
  constructor(
    readonly code: ArtifactErrorCode,
    /** `name` or `name/version/file`, relative to the registry. */
    readonly artifact: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${artifact}: ${reason}. ${ARTIFACT_ERRORS[code]}`, options);
    this.remedy = ARTIFACT_ERRORS[code];
  }
}
