/**
 * The directory registry:
 *
 *     <name>/current.json                 which version scores
 *     <name>/<version>/manifest.json      what is known of it, and the digest of every other file
 *                      manifest.sig       Ed25519 over manifest.json
 *                      model.onnx, golden.jsonl, card.md, and trees.json for models that have trees
 *
 * Loading trusts nothing before it is verified, in this order: the pointer's form, the manifest's digest, its
 * signature, its content, then the digest of every file, then what the files hold. The first thing that is wrong
 * is the error. What the runtime answers is checked when a model is opened (models/onnx).
 */
import { join } from 'node:path';
import { VECTOR_WIDTH } from '../../processors/core';
import { ArtifactError } from '../errors';
import { checkTrees, readTrees } from '../explain/trees';
import type { TreeModel } from '../explain/trees';
import { LAYOUT_FINGERPRINT, sha256Hex } from '../layout';
import { verifySignature } from '../signing';
import type { TrustedKey } from '../signing';
import { readBounded, utf8 } from './files';
import { readGolden } from './golden';
import type { GoldenVectors } from './golden';
import { ARTIFACT_FILES, FILE_LIMITS, NAME, readManifest } from './manifest';
import type { ArtifactFile, ArtifactFiles, Manifest } from './manifest';
import { inspectOnnx } from './onnx-file';
import { readPointer } from './pointer';
import type { Pointer } from './pointer';

const POINTER_LIMIT = 4 << 10;
const MANIFEST_LIMIT = 1 << 20;
const SIGNATURE_LIMIT = 1 << 10;

export interface RegistryPlace {
  directory: string;
  /** Set of artifacts that the directory holds: signers must be trusted for it, manifests must name it. */
  set: string;
  keys: readonly TrustedKey[];
}

declare const verified: unique symbol;

/** Bytes whose origin, digests, layout and form were checked. Only `loadArtifact` makes one. */
export interface VerifiedArtifact {
  readonly [verified]: true;
  readonly manifest: Manifest;
  readonly onnx: Uint8Array;
  readonly golden: GoldenVectors;
  /** For explanations; null in an artifact without trees.json. */
  readonly trees: TreeModel | null;
}

/** The pointer of a name; null when nothing was ever published under it. */
export async function currentPointer(place: RegistryPlace, name: string): Promise<Pointer | null> {
  if (!NAME.test(name))
    throw new ArtifactError(
      'name-malformed',
      JSON.stringify(name.slice(0, 64)),
      'this is no name of a model',
    );
  const artifact = `${name}/current.json`;
  const bytes = await readBounded(join(place.directory, name, 'current.json'), POINTER_LIMIT, artifact);
  return bytes === null ? null : readPointer(utf8(bytes), name);
}

/** Reads and verifies the version that `<name>/current.json` points at. Throws `ArtifactError`. */
export async function loadArtifact(place: RegistryPlace, name: string): Promise<VerifiedArtifact> {
  const pointer = await currentPointer(place, name);
  if (pointer === null)
    throw new ArtifactError('pointer-missing', `${name}/current.json`, 'there is no such file');
  return loadVersion(place, name, pointer.version, pointer.manifestSha256);
}

/** Reads and verifies one version, whatever the pointer says; the version must have the form of one. */
export async function loadVersion(
  place: RegistryPlace,
  name: string,
  version: string,
  manifestSha256: string,
): Promise<VerifiedArtifact> {
  const artifact = `${name}/${version}`;
  const folder = join(place.directory, name, version);
  const manifest = await loadManifest(place, folder, artifact, manifestSha256);
  checkIdentity(manifest, { set: place.set, name, version }, artifact);
  checkLayout(manifest, artifact);
  const files = {} as ArtifactFiles;
  for (const file of ARTIFACT_FILES) {
    const stated = manifest.files[file];
    if (stated !== undefined) files[file] = await loadFile(folder, file, stated, artifact);
  }
  inspectOnnx(files['model.onnx'], artifact);
  const golden = readGolden(utf8(files['golden.jsonl']), manifest.layout.width, artifact);
  const trees = treesOf(files, name, golden, artifact);
  return { manifest, onnx: files['model.onnx'], golden, trees } as VerifiedArtifact;
}

function treesOf(
  { 'trees.json': bytes }: ArtifactFiles,
  name: string,
  golden: GoldenVectors,
  artifact: string,
): TreeModel | null {
  if (bytes === undefined) return null;
  const trees = readTrees(utf8(bytes), name, artifact);
  checkTrees(trees, golden, artifact);
  return trees;
}

async function loadManifest(
  place: RegistryPlace,
  folder: string,
  artifact: string,
  manifestSha256: string,
): Promise<Manifest> {
  const bytes = await readBounded(join(folder, 'manifest.json'), MANIFEST_LIMIT, `${artifact}/manifest.json`);
  if (bytes === null)
    throw new ArtifactError('version-missing', artifact, 'there is no manifest.json under this version');
  if (sha256Hex(bytes) !== manifestSha256)
    throw new ArtifactError(
      'manifest-digest-mismatch',
      artifact,
      'the pointer names another digest of manifest.json',
    );
  const signature = await readBounded(
    join(folder, 'manifest.sig'),
    SIGNATURE_LIMIT,
    `${artifact}/manifest.sig`,
  );
  if (signature === null)
    throw new ArtifactError('file-missing', `${artifact}/manifest.sig`, 'there is no such file');
  verifySignature(bytes, utf8(signature), place, artifact);
  return readManifest(utf8(bytes), artifact);
}

function checkIdentity(
  manifest: Manifest,
  expected: { set: string; name: string; version: string },
  artifact: string,
): void {
  for (const field of ['set', 'name', 'version'] as const)
    if (manifest[field] !== expected[field])
      throw new ArtifactError(
        'identity-mismatch',
        artifact,
        `${field} is ${manifest[field]}, not ${expected[field]}`,
      );
}

function checkLayout({ layout, input }: Manifest, artifact: string): void {
  if (layout.fingerprint !== LAYOUT_FINGERPRINT)
    throw new ArtifactError(
      'layout-mismatch',
      artifact,
      `it was trained on layout ${layout.fingerprint.slice(0, 12)}, this program writes ${LAYOUT_FINGERPRINT.slice(0, 12)}`,
    );
  if (layout.width !== VECTOR_WIDTH || input.shape[1] !== VECTOR_WIDTH)
    throw new ArtifactError(
      'shape-mismatch',
      artifact,
      `it takes ${input.shape[1]} features, the layout has ${VECTOR_WIDTH}`,
    );
}

async function loadFile(
  folder: string,
  file: ArtifactFile,
  stated: { sha256: string },
  artifact: string,
): Promise<Uint8Array> {
  const where = `${artifact}/${file}`;
  const bytes = await readBounded(join(folder, file), FILE_LIMITS[file], where);
  if (bytes === null) throw new ArtifactError('file-missing', where, 'there is no such file');
  if (sha256Hex(bytes) !== stated.sha256)
    throw new ArtifactError('file-digest-mismatch', where, 'its SHA-256 is not the one in the manifest');
  return bytes;
}
