/**
 * The registry, in a folder or a bucket:
 *
 *     <name>/current.json                 which version scores
 *     <name>/<version>/manifest.json      what is known of it, and the digest of every other file
 *                      manifest.sig       Ed25519 over manifest.json
 *                      model.onnx, golden.jsonl, card.md with its pictures calibration.svg and lift.svg,
 *                      and trees.json for models that have trees
 *
 * Loading trusts nothing before it is verified, in this order: the pointer's form, the manifest's digest, its
 * signature, its content, then the digest of every file, then what the files hold. The first thing that is wrong
 * is the error. What the runtime answers is checked when a model is opened (models/onnx).
 */
import { setImmediate } from 'node:timers/promises';
import { VECTOR_WIDTH } from '../../processors/core';
import { ArtifactError } from '../errors';
import { checkTrees, readTrees } from '../explain/trees';
import type { TreeModel } from '../explain/trees';
import { LAYOUT_FINGERPRINT, sha256Hex } from '../layout';
import { verifySignature } from '../signing';
import type { TrustedKey } from '../signing';
import { DirectoryStore } from './directory-store';
import { utf8 } from './files';
import { checkGoldenCover, readGolden } from './golden';
import type { GoldenVectors } from './golden';
import { ARTIFACT_FILES, FILE_LIMITS, NAME, VERSION, readManifest } from './manifest';
import type { ArtifactFile, ArtifactFiles, Manifest } from './manifest';
import { inspectOnnx } from './onnx-file';
import { readPointer } from './pointer';
import type { Pointer } from './pointer';
import type { RegistryStore } from './store';

const POINTER_LIMIT = 4 << 10;
export const MANIFEST_LIMIT = 1 << 20;
export const SIGNATURE_LIMIT = 1 << 10;

interface Trust {
  /** Set of artifacts that the registry holds: signers must be trusted for it, manifests must name it. */
  set: string;
  keys: readonly TrustedKey[];
}
export interface FolderPlace extends Trust {
  directory: string;
}
export interface StorePlace extends Trust {
  store: RegistryStore;
}
export type RegistryPlace = FolderPlace | StorePlace;

const storeOf = (place: RegistryPlace): RegistryStore =>
  'store' in place ? place.store : new DirectoryStore(place.directory);

/** The same registry with its store open. */
export const opened = (place: RegistryPlace): StorePlace => ({
  store: storeOf(place),
  set: place.set,
  keys: place.keys,
});

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

/** Throws `ArtifactError` (`name-malformed`). */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new ArtifactError(
      'name-malformed',
      JSON.stringify(name.slice(0, 64)),
      'this is no name of a model',
    );
}

/** Throws `ArtifactError` (`version-malformed`): nothing outside the registry is ever opened. */
export function checkVersion(name: string, version: string): void {
  if (!VERSION.test(version))
    throw new ArtifactError(
      'version-malformed',
      name,
      `${JSON.stringify(version.slice(0, 64))} is not a version`,
    );
}

export interface SeenPointer {
  pointer: Pointer;
  /** What a move compares with. */
  tag: string;
}

/** The pointer of a name as it lies there; null when nothing was ever published under it. */
export async function seenPointer(place: RegistryPlace, name: string): Promise<SeenPointer | null> {
  checkName(name);
  const found = await storeOf(place).read(`${name}/current.json`, POINTER_LIMIT);
  return found === null ? null : { pointer: readPointer(utf8(found.bytes), name), tag: found.tag };
}

export const currentPointer = async (place: RegistryPlace, name: string): Promise<Pointer | null> =>
  (await seenPointer(place, name))?.pointer ?? null;

/** Reads and verifies the version that `<name>/current.json` points at. Throws `ArtifactError`. */
export async function loadArtifact(place: RegistryPlace, name: string): Promise<VerifiedArtifact> {
  const pointer = await currentPointer(place, name);
  if (pointer === null)
    throw new ArtifactError('pointer-missing', `${name}/current.json`, 'there is no such file');
  return loadVersion(place, name, pointer.version, pointer.manifestSha256);
}

/** Reads and verifies one version, whatever the pointer says; `manifestSha256` null: any that a trusted key signed. */
export async function loadVersion(
  place: RegistryPlace,
  name: string,
  version: string,
  manifestSha256: string | null,
): Promise<VerifiedArtifact> {
  const store = storeOf(place);
  const artifact = `${name}/${version}`;
  const manifest = await loadManifest(place, name, version, manifestSha256);
  checkLayout(manifest, artifact);
  const files = {} as ArtifactFiles;
  for (const file of ARTIFACT_FILES) {
    const stated = manifest.files[file];
    if (stated !== undefined) files[file] = await loadFile(store, file, stated, artifact);
  }
  // Each of these may take milliseconds, and lanes work meanwhile.
  await setImmediate();
  inspectOnnx(files['model.onnx'], artifact);
  await setImmediate();
  const golden = readGolden(utf8(files['golden.jsonl']), manifest.layout.width, artifact);
  await setImmediate();
  const trees = treesOf(files, name, golden, artifact);
  checkGoldenCover(golden, trees, artifact);
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

/** What a trusted key signed under this name and version; the files are not looked at. Throws `ArtifactError`. */
export async function loadManifest(
  place: RegistryPlace,
  name: string,
  version: string,
  manifestSha256: string | null,
): Promise<Manifest> {
  checkName(name);
  checkVersion(name, version);
  const store = storeOf(place);
  const artifact = `${name}/${version}`;
  const found = await store.read(`${artifact}/manifest.json`, MANIFEST_LIMIT);
  if (found === null)
    throw new ArtifactError('version-missing', artifact, 'there is no manifest.json under this version');
  if (manifestSha256 !== null && sha256Hex(found.bytes) !== manifestSha256)
    throw new ArtifactError(
      'manifest-digest-mismatch',
      artifact,
      'the pointer names another digest of manifest.json',
    );
  const signature = await store.read(`${artifact}/manifest.sig`, SIGNATURE_LIMIT);
  if (signature === null)
    throw new ArtifactError('file-missing', `${artifact}/manifest.sig`, 'there is no such file');
  verifySignature(found.bytes, utf8(signature.bytes), place, artifact);
  const manifest = readManifest(utf8(found.bytes), artifact);
  checkIdentity(manifest, { set: place.set, name, version }, artifact);
  return manifest;
}

/** Names in the registry with their versions, oldest first; unfinished versions too. */
export async function listVersions(place: RegistryPlace): Promise<Map<string, string[]>> {
  const versions = new Map<string, string[]>();
  for (const object of await storeOf(place).list('')) {
    const [name, version, file] = object.split('/');
    if (!NAME.test(name!)) continue;
    const known = versions.get(name!) ?? [];
    versions.set(name!, known);
    if (file !== undefined && VERSION.test(version!) && !known.includes(version!)) known.push(version!);
  }
  return versions;
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
  store: RegistryStore,
  file: ArtifactFile,
  stated: { sha256: string; bytes: number },
  artifact: string,
): Promise<Uint8Array> {
  const where = `${artifact}/${file}`;
  const found = await store.read(where, FILE_LIMITS[file]);
  if (found === null) throw new ArtifactError('file-missing', where, 'there is no such file');
  if (sha256Hex(found.bytes) !== stated.sha256)
    throw new ArtifactError('file-digest-mismatch', where, 'its SHA-256 is not the one in the manifest');
  // The gate judges the size by the manifest.
  if (found.bytes.length !== stated.bytes)
    throw new ArtifactError(
      'file-digest-mismatch',
      where,
      `it has ${found.bytes.length} bytes, the manifest says ${stated.bytes}`,
    );
  return found.bytes;
}
