/**
 * Publishing, promotion and rollback. Whatever happens on the way, the current model keeps working:
 * 1. see the pointer;
 * 2. verify the artifact as a loader would, in memory, and in the runtime too if the caller asks: what is refused is
 *    never uploaded;
 * 3. upload it (upload.ts), read it back from the store and verify it again;
 * 4. write the line of the audit;
 * 5. move the pointer, last, if it is still the one that was seen.
 * The same publication again is not an error: it goes on where the first one stopped.
 */
import { ArtifactError } from '../errors';
import { sha256Hex } from '../layout';
import type { SigningKey } from '../signing';
import { writeAudit } from './audit';
import type { AuditEntry, Decision } from './audit';
import { MANIFEST_LIMIT, checkVersion, loadVersion, opened, seenPointer } from './registry';
import type { RegistryPlace, SeenPointer, StorePlace, VerifiedArtifact } from './registry';
import { MOST_WITHDRAWN, writePointer } from './pointer';
import type { Pointer } from './pointer';
import { seal, sealedStore } from './sealed';
import type { ManifestDraft, SealedVersion } from './sealed';
import type { ArtifactFiles } from './manifest';
import { uploadVersion } from './upload';

export type { ManifestDraft } from './sealed';

/** The last word of the caller (a runtime's golden replay): throws to refuse. */
export type Accept = (artifact: VerifiedArtifact) => Promise<void>;

/** First 8 hex digits of the model after the instant at which its training data ends (milliseconds). */
export const versionOf = (archiveEnd: number, onnx: Uint8Array): string =>
  `${new Date(archiveEnd)
    .toISOString()
    .replace(/\.\d{3}/, '')
    .replace(/[-:]/g, '')}-${sha256Hex(onnx).slice(0, 8)}`;

/** Signs, publishes, and returns the artifact as loaded. Throws `ArtifactError`. */
export const publishArtifact = (
  place: RegistryPlace,
  draft: ManifestDraft,
  files: ArtifactFiles,
  key: SigningKey,
  accept: Accept,
  decision: Decision,
): Promise<VerifiedArtifact> => publishSealed(place, seal(draft, files, key), accept, decision);

/** Publishes what was signed before. Throws `ArtifactError`. */
export async function publishSealed(
  place: RegistryPlace,
  sealed: SealedVersion,
  accept: Accept,
  decision: Decision,
): Promise<VerifiedArtifact> {
  const registry = opened(place);
  const { name, version } = sealed;
  const seen = await seenPointer(registry, name);
  if (seen?.pointer.withdrawn?.includes(version))
    throw new ArtifactError(
      'version-withdrawn',
      `${name}/${version}`,
      'it scored before, and was taken back',
    );
  const artifact = await bringIn(registry, sealed, accept);
  if (seen?.pointer.version !== version)
    await movePointer(registry, seen, moveTo(seen, name, version, sha256Hex(sealed.manifest)), {
      action: 'publish',
      decision,
    });
  return artifact;
}

/** Verifies, uploads, reads back; no pointer moves. Throws `ArtifactError`. */
export async function bringIn(
  place: RegistryPlace,
  sealed: SealedVersion,
  accept: Accept,
): Promise<VerifiedArtifact> {
  const registry = opened(place);
  const { name, version } = sealed;
  const digest = sha256Hex(sealed.manifest);
  await accept(await loadVersion({ ...registry, store: sealedStore(sealed) }, name, version, digest));
  await uploadVersion(registry, sealed);
  return loadVersion(registry, name, version, digest);
}

/**
 * Points at a version that is in the registry. `seen`: the pointer that the decision was made on; one that has moved
 * since is an error. Throws `ArtifactError`.
 */
export async function promoteVersion(
  place: RegistryPlace,
  name: string,
  version: string,
  accept: Accept,
  decision: Decision,
  seen: SeenPointer | null,
): Promise<Pointer> {
  const registry = opened(place);
  const digest = await verifiedDigest(registry, name, version, accept);
  const next = moveTo(seen, name, version, digest);
  return movePointer(registry, seen, next, { action: 'promote', decision });
}

/**
 * Points at the version before, or at `to`, and withdraws the current one: publishing it again does not bring it back.
 * `from`: the version that the decision is about; when another one is current by now, that is `pointer-moved`.
 * Throws `ArtifactError`.
 */
export async function rollBack(
  place: RegistryPlace,
  name: string,
  accept: Accept,
  decision: Decision,
  to: string | null = null,
  from: string | null = null,
): Promise<Pointer> {
  const registry = opened(place);
  const seen = await seenPointer(registry, name);
  if (from !== null && seen !== null && seen.pointer.version !== from)
    throw new ArtifactError(
      'pointer-moved',
      `${name}/current.json`,
      `${seen.pointer.version} is the current version, not ${from}`,
    );
  const target = to ?? seen?.pointer.previous ?? null;
  if (seen === null || target === null || target === seen.pointer.version)
    throw new ArtifactError(
      'rollback-impossible',
      `${name}/current.json`,
      seen === null
        ? 'nothing was published under this name'
        : target === null
          ? 'it knows no version before the current one'
          : `${target} is the current version`,
    );
  const digest = await verifiedDigest(registry, name, target, accept);
  const { version, withdrawn = [] } = seen.pointer;
  const away = [...withdrawn.filter(one => one !== target && one !== version), version];
  const next: Pointer = {
    ...moveTo(seen, name, target, digest),
    previous: null,
    withdrawn: away.slice(-MOST_WITHDRAWN),
  };
  return movePointer(registry, seen, next, { action: 'rollback', decision });
}

/** Digest of the manifest of a version that was verified, and accepted by the caller. */
export async function verifiedDigest(
  registry: StorePlace,
  name: string,
  version: string,
  accept: Accept,
): Promise<string> {
  checkVersion(name, version);
  const found = await registry.store.read(`${name}/${version}/manifest.json`, MANIFEST_LIMIT);
  const digest = found === null ? null : sha256Hex(found.bytes);
  await accept(await loadVersion(registry, name, version, digest));
  return digest!;
}

function moveTo(seen: SeenPointer | null, name: string, version: string, manifestSha256: string): Pointer {
  const withdrawn = (seen?.pointer.withdrawn ?? []).filter(one => one !== version);
  return {
    name,
    version,
    manifestSha256,
    sequence: (seen?.pointer.sequence ?? 0) + 1,
    // A move to where it is already (a promotion again) is for those who took it back: nothing else scored before.
    previous: (seen?.pointer.version === version ? seen.pointer.previous : seen?.pointer.version) ?? null,
    ...(withdrawn.length === 0 ? {} : { withdrawn }),
  };
}

/** The audit first, then the pointer if it is still the one that was seen. */
async function movePointer(
  { store }: StorePlace,
  seen: SeenPointer | null,
  next: Pointer,
  { action, decision }: { action: AuditEntry['action']; decision: Decision },
): Promise<Pointer> {
  const { name, version, sequence } = next;
  const current = seen?.pointer.version ?? null;
  await writeAudit(store, { name, action, version, current, sequence }, decision);
  const bytes = Buffer.from(writePointer(next));
  if (await store.swap(`${name}/current.json`, bytes, seen?.tag ?? null)) return next;
  throw new ArtifactError(
    'pointer-moved',
    `${name}/current.json`,
    `publication ${sequence} is somebody else's`,
  );
}
