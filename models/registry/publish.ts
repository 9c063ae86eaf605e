/**
 * Publishing into a directory registry:
 * 1. write every file of the version into a folder beside it, and flush;
 * 2. give the folder its name (a version that exists is never written again);
 * 3. read it back and verify it as a loader would, in the runtime too if the caller asks;
 * 4. move the pointer, last, if it is still where the publisher saw it.
 */
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactError } from '../errors';
import { sha256Hex } from '../layout';
import { signBytes } from '../signing';
import type { SigningKey } from '../signing';
import { ARTIFACT_FILES, writeManifest } from './manifest';
import type { ArtifactFile, ArtifactFiles, Manifest } from './manifest';
import { writePointer } from './pointer';
import { currentPointer, loadVersion } from './registry';
import type { RegistryPlace, VerifiedArtifact } from './registry';

/** A manifest without what follows from the files. */
export type ManifestDraft = Omit<Manifest, 'files'>;

/** First 8 hex digits of the model after the instant at which its training data ends (milliseconds). */
export const versionOf = (archiveEnd: number, onnx: Uint8Array): string =>
  `${new Date(archiveEnd)
    .toISOString()
    .replace(/\.\d{3}/, '')
    .replace(/[-:]/g, '')}-${sha256Hex(onnx).slice(0, 8)}`;

async function writeFlushed(path: string, bytes: Uint8Array | string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeVersion(
  place: RegistryPlace,
  draft: ManifestDraft,
  files: ArtifactFiles,
  key: SigningKey,
): Promise<string> {
  const { name, version } = draft;
  const present = ARTIFACT_FILES.flatMap((file): [ArtifactFile, Uint8Array][] => {
    const bytes = files[file];
    return bytes === undefined ? [] : [[file, bytes]];
  });
  const listed = Object.fromEntries(
    present.map(([file, bytes]) => [file, { sha256: sha256Hex(bytes), bytes: bytes.length }]),
  ) as Manifest['files'];
  const text = writeManifest({ ...draft, files: listed });
  const folder = join(place.directory, name, version);
  const staging = `${folder}.partial`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  for (const [file, bytes] of present) await writeFlushed(join(staging, file), bytes);
  await writeFlushed(join(staging, 'manifest.json'), text);
  await writeFlushed(join(staging, 'manifest.sig'), signBytes(Buffer.from(text), key));
  await rename(staging, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staging, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    throw new ArtifactError('version-exists', `${name}/${version}`, 'this version is in the registry');
  });
  return sha256Hex(text);
}

/**
 * Publishes an artifact and returns it as loaded. `accept` is the last word before the pointer moves (a runtime's
 * golden replay): it throws to refuse. Throws `ArtifactError`.
 */
export async function publishArtifact(
  place: RegistryPlace,
  draft: ManifestDraft,
  files: ArtifactFiles,
  key: SigningKey,
  accept: (artifact: VerifiedArtifact) => Promise<void>,
): Promise<VerifiedArtifact> {
  const { name, version } = draft;
  const seen = await currentPointer(place, name);
  const manifestSha256 = await writeVersion(place, draft, files, key);
  const artifact = await loadVersion(place, name, version, manifestSha256);
  await accept(artifact);
  const sequence = (seen?.sequence ?? 0) + 1;
  const pointer = writePointer({ name, version, manifestSha256, sequence, previous: seen?.version ?? null });
  await movePointer(place, { name, version, sequence }, pointer);
  return artifact;
}

/**
 * Compare-and-set on a file system: the next sequence number is claimed by making a link that only one publisher
 * can make; whoever holds it looks at the pointer again and replaces it. A claim is removed afterwards.
 */
async function movePointer(
  place: RegistryPlace,
  { name, version, sequence }: { name: string; version: string; sequence: number },
  text: string,
): Promise<void> {
  const folder = join(place.directory, name);
  const staged = join(folder, `current.${version}.partial`);
  const claim = join(folder, `current.${sequence}.claim`);
  const moved = (reason: string): ArtifactError =>
    new ArtifactError('pointer-moved', `${name}/current.json`, reason);
  await writeFlushed(staged, text);
  try {
    await link(staged, claim).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST'
        ? moved(`a publisher is at work, or died and left current.${sequence}.claim`)
        : error;
    });
    try {
      const now = await currentPointer(place, name);
      if ((now?.sequence ?? 0) !== sequence - 1) throw moved(`publication ${sequence} is somebody else's`);
      await rename(staged, join(folder, 'current.json'));
    } finally {
      await rm(claim, { force: true });
    }
  } finally {
    await rm(staged, { force: true });
  }
}
