/**
 * `<name>/shadow.json`: which version answers beside the current one, to be compared. It decides nothing that is
 * published, so it has no line in the audit. A store deletes nothing: the version null ends a shadow.
 */
import { z } from 'zod';
import { ArtifactError } from '../errors';
import { canonicalJson } from '../canonical-json';
import { utf8 } from './files';
import { NAME, VERSION } from './manifest';
import { verifiedDigest } from './publish';
import type { Accept } from './publish';
import { checkName, opened } from './registry';
import type { RegistryPlace, StorePlace } from './registry';

const LIMIT = 4 << 10;

const shadowSchema = z.strictObject({
  name: z.string().regex(NAME),
  version: z.string().regex(VERSION).nullable(),
  manifestSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** Counts the changes. */
  sequence: z.int().positive(),
});
export type ShadowPointer = z.infer<typeof shadowSchema>;

async function seenShadow(
  { store }: StorePlace,
  name: string,
): Promise<{ pointer: ShadowPointer; tag: string } | null> {
  checkName(name);
  const artifact = `${name}/shadow.json`;
  const found = await store.read(artifact, LIMIT);
  if (found === null) return null;
  const pointer = parsed(utf8(found.bytes));
  if (pointer?.name !== name)
    throw new ArtifactError('shadow-malformed', artifact, 'it does not say which version of this model');
  return { pointer, tag: found.tag };
}

function parsed(text: string): ShadowPointer | null {
  try {
    return shadowSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** As it lies there; null when none was ever set. Throws `ArtifactError`. */
export const shadowPointer = async (place: RegistryPlace, name: string): Promise<ShadowPointer | null> =>
  (await seenShadow(opened(place), name))?.pointer ?? null;

/** Lets `version` answer beside the current one, after it was verified; null ends that. Throws `ArtifactError`. */
export async function setShadow(
  place: RegistryPlace,
  name: string,
  version: string | null,
  accept: Accept,
): Promise<ShadowPointer> {
  const registry = opened(place);
  // A damaged pointer is written anew.
  const seen = await seenShadow(registry, name).catch(() => null);
  const tag = seen?.tag ?? (await registry.store.read(`${name}/shadow.json`, LIMIT))?.tag ?? null;
  const manifestSha256 = version === null ? null : await verifiedDigest(registry, name, version, accept);
  const next = { name, version, manifestSha256, sequence: (seen?.pointer.sequence ?? 0) + 1 };
  if (await registry.store.swap(`${name}/shadow.json`, Buffer.from(canonicalJson(next)), tag)) return next;
  throw new ArtifactError('pointer-moved', `${name}/shadow.json`, 'somebody else has set it meanwhile');
}
