/** A version with its signature, before it is anywhere: what publishing uploads, byte for byte. */
import { ArtifactError } from '../errors';
import { sha256Hex } from '../layout';
import { signBytes } from '../signing';
import type { SigningKey } from '../signing';
import { readBounded, utf8 } from './files';
import { ARTIFACT_FILES, FILE_LIMITS, readManifest, writeManifest } from './manifest';
import type { ArtifactFile, ArtifactFiles, Manifest } from './manifest';
import { MANIFEST_LIMIT, SIGNATURE_LIMIT } from './registry';
import type { RegistryStore } from './store';

/** Those that the artifact has, in one order. */
export const presentFiles = (files: Readonly<ArtifactFiles>): [ArtifactFile, Uint8Array][] =>
  ARTIFACT_FILES.flatMap((file): [ArtifactFile, Uint8Array][] => {
    const bytes = files[file];
    return bytes === undefined ? [] : [[file, bytes]];
  });

/** A manifest without what follows from the files. */
export type ManifestDraft = Omit<Manifest, 'files'>;

export interface SealedVersion {
  name: string;
  version: string;
  manifest: Uint8Array;
  /** Content of manifest.sig. */
  signature: Uint8Array;
  files: Readonly<ArtifactFiles>;
}

/** Digests, manifest and signature of an artifact. */
export function seal(draft: ManifestDraft, files: ArtifactFiles, key: SigningKey): SealedVersion {
  const listed = Object.fromEntries(
    presentFiles(files).map(([file, bytes]) => [file, { sha256: sha256Hex(bytes), bytes: bytes.length }]),
  ) as Manifest['files'];
  const manifest = Buffer.from(writeManifest({ ...draft, files: listed }));
  const signature = Buffer.from(signBytes(manifest, key));
  return { name: draft.name, version: draft.version, manifest, signature, files };
}

/**
 * An artifact that lies in a folder of its own, with its signature or the one given. Throws `ArtifactError`; nothing
 * is verified yet.
 */
export async function sealedFolder(folder: string, given?: Uint8Array): Promise<SealedVersion> {
  const read = async (file: string, limit: number): Promise<Uint8Array> => {
    const bytes = await readBounded(`${folder}/${file}`, limit, file);
    if (bytes === null) throw new ArtifactError('file-missing', file, 'there is no such file');
    return bytes;
  };
  const manifest = await read('manifest.json', MANIFEST_LIMIT);
  const { name, version, files: listed } = readManifest(utf8(manifest), 'manifest.json');
  const signature = given ?? (await read('manifest.sig', SIGNATURE_LIMIT));
  const files = {} as ArtifactFiles;
  for (const file of ARTIFACT_FILES)
    if (listed[file] !== undefined) files[file] = await read(file, FILE_LIMITS[file]);
  return { name, version, manifest, signature, files };
}

/** Readable as if it were published: what is refused here is never uploaded. */
export function sealedStore({ name, version, manifest, signature, files }: SealedVersion): RegistryStore {
  const objects = new Map<string, Uint8Array>([
    [`${name}/${version}/manifest.json`, manifest],
    [`${name}/${version}/manifest.sig`, signature],
    ...presentFiles(files).map(([file, bytes]) => [`${name}/${version}/${file}`, bytes] as const),
  ]);
  return {
    place: 'memory',
    list: async prefix => [...objects.keys()].filter(object => object.startsWith(prefix)).sort(),
    read: async (object, limit) => {
      const bytes = objects.get(object);
      if (bytes === undefined) return null;
      if (bytes.length > limit)
        throw new ArtifactError(
          'file-oversize',
          object,
          `it has ${bytes.length} bytes, more than the limit of ${limit}`,
        );
      return { bytes, tag: sha256Hex(bytes) };
    },
    swap: () => Promise.reject(new Error('A sealed version does not change.')),
    close: () => undefined,
  };
}
