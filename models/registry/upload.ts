/**
 * A sealed version into a store. Every step may be the last one before a crash, may be repeated, and may meet another
 * publisher at the same step:
 * 1. manifest.json, which binds the version: what differs from it afterwards is damaged, and nothing else is;
 * 2. manifest.sig, unless one of this manifest is there;
 * 3. the files. One that is there with other bytes than the manifest names is damaged, and replaced.
 * What is whole is never written again: only damaged objects are replaced, by whoever saw them damaged. So nothing that
 * was ever read back successfully can change under a pointer.
 */
import { ArtifactError } from '../errors';
import { verifySignature } from '../signing';
import { utf8 } from './files';
import { readManifest } from './manifest';
import type { StorePlace } from './registry';
import { presentFiles } from './sealed';
import type { SealedVersion } from './sealed';
import type { RegistryStore } from './store';

/** No object of a version is larger, damaged or not. */
const LARGEST = 64 << 20;

/** Throws `ArtifactError` (`version-exists`) when another artifact has the version. */
export async function uploadVersion(place: StorePlace, sealed: SealedVersion): Promise<void> {
  const { store } = place;
  const { name, version, manifest, signature, files } = sealed;
  const artifact = `${name}/${version}`;
  const isDamaged = async (found: Uint8Array): Promise<boolean> =>
    !isManifest(found, artifact) || (await hasBrokenSignature(place, found, artifact));
  await put(store, `${artifact}/manifest.json`, manifest, isDamaged);
  await put(store, `${artifact}/manifest.sig`, signature, async found =>
    isBroken(place, manifest, found, artifact) ? true : 'keep',
  );
  for (const [file, bytes] of presentFiles(files))
    await put(store, `${artifact}/${file}`, bytes, async () => true);
}

/** Puts `bytes` where nothing is, or where `damaged` says that what was found is. */
async function put(
  store: RegistryStore,
  object: string,
  bytes: Uint8Array,
  damaged: (found: Uint8Array) => Promise<boolean | 'keep'>,
): Promise<void> {
  if (await store.swap(object, bytes, null)) return;
  const found = await store.read(object, LARGEST);
  const verdict = found === null ? false : await damaged(found.bytes);
  if (verdict === 'keep') return;
  if (verdict && (await store.swap(object, bytes, found!.tag))) return;
  const [name, version] = object.split('/');
  throw new ArtifactError('version-exists', `${name}/${version}`, `another ${object.split('/')[2]} is there`);
}

function isManifest(bytes: Uint8Array, artifact: string): boolean {
  try {
    readManifest(utf8(bytes), artifact);
    return true;
  } catch {
    return false;
  }
}

/** One that nobody can have verified. A key that is unknown here may be known elsewhere: that is no damage. */
function isBroken(place: StorePlace, manifest: Uint8Array, signature: Uint8Array, artifact: string): boolean {
  try {
    verifySignature(manifest, utf8(signature), place, artifact);
    return false;
  } catch (error) {
    const code = error instanceof ArtifactError ? error.code : null;
    return code === 'signature-invalid' || code === 'signature-malformed';
  }
}

/** No signature at all is not a broken one: its publisher may be about to write it. */
async function hasBrokenSignature(
  place: StorePlace,
  manifest: Uint8Array,
  artifact: string,
): Promise<boolean> {
  const signature = await place.store.read(`${artifact}/manifest.sig`, LARGEST);
  return signature !== null && isBroken(place, manifest, signature.bytes, artifact);
}
