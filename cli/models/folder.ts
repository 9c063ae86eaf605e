/** Artifacts in folders of their own, as --from names them: what the gate left, with or without a signature. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '../../models/registry/files';
import { readManifest } from '../../models/registry/manifest';
import type { Manifest } from '../../models/registry/manifest';
import { loadVersion } from '../../models/registry/registry';
import type { StorePlace, VerifiedArtifact } from '../../models/registry/registry';
import { sealedFolder, sealedStore } from '../../models/registry/sealed';
import type { SealedVersion } from '../../models/registry/sealed';
import type { Context } from '../context';
import { CliError, usageError } from '../errors';

const NOBODYS = new Uint8Array();

/** @throws CliError input-missing */
export function requireManifest(context: Context, from: string): string {
  const folder = context.path(from);
  if (existsSync(join(folder, 'manifest.json'))) return folder;
  throw new CliError(
    'input-missing',
    `${from} holds no manifest.json: \`rescore backfill gate\` leaves RUN/candidates/MODEL, which does.`,
  );
}

/** A signed artifact; null as a name: of whatever model. @throws CliError input-missing, model-unsigned, usage */
export async function signedFolder(
  context: Context,
  name: string | null,
  from: string,
): Promise<SealedVersion> {
  const folder = requireManifest(context, from);
  if (!existsSync(join(folder, 'manifest.sig')))
    throw new CliError('model-unsigned', `${from} holds no manifest.sig.`);
  return ofName(await sealedFolder(folder), name, from);
}

/** Of a folder that nobody has signed yet, too: to be read by a person. @throws CliError input-missing, usage */
export async function folderManifest(context: Context, name: string, from: string): Promise<Manifest> {
  const folder = requireManifest(context, from);
  const { manifest } = ofName(await sealedFolder(folder, NOBODYS), name, from);
  return readManifest(utf8(manifest), from);
}

function ofName(sealed: SealedVersion, name: string | null, from: string): SealedVersion {
  if (name === null || sealed.name === name) return sealed;
  throw usageError(`${from} holds the model ${sealed.name}, not ${name}.`);
}

/** Verified as a loader would, before it is in any registry. Throws `ArtifactError`. */
export const loadSealed = (place: StorePlace, sealed: SealedVersion): Promise<VerifiedArtifact> =>
  loadVersion({ ...place, store: sealedStore(sealed) }, sealed.name, sealed.version, null);
