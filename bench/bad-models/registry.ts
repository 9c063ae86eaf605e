/** The models that score at first: the one that was trained, and the shipped ones beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Candidate } from '../../backfill/pipeline/candidate';
import { replayed } from '../../cli/models/registry';
import { baselineDirectory } from '../../models';
import { sha256Hex } from '../../models/layout';
import { bringIn } from '../../models/registry/publish';
import type { StorePlace } from '../../models/registry/registry';
import { seal, sealedFolder } from '../../models/registry/sealed';
import type { ManifestDraft, SealedVersion } from '../../models/registry/sealed';
import type { SigningKey } from '../../models/signing';
import { point } from '../pointer';

/** Answers with the one that was trained, signed. */
export async function firstModels(
  place: StorePlace,
  { draft, files }: Candidate,
  key: SigningKey,
): Promise<SealedVersion> {
  const trained = seal(draft, files, key);
  const others = ['engagement', 'ltv'].filter(name => name !== trained.name);
  const shipped = await Promise.all(others.map(name => resealed(name, place.set, key)));
  for (const sealed of [trained, ...shipped]) {
    await bringIn(place, sealed, replayed);
    await point(place.store, sealed.name, sealed.version, sha256Hex(sealed.manifest));
  }
  return trained;
}

/** A shipped model, signed again for another set. */
async function resealed(name: string, set: string, key: SigningKey): Promise<SealedVersion> {
  const folder = join(baselineDirectory(), name);
  const { version } = JSON.parse(readFileSync(join(folder, 'current.json'), 'utf8')) as { version: string };
  const { manifest, files } = await sealedFolder(join(folder, version));
  const { files: _files, ...draft } = JSON.parse(Buffer.from(manifest).toString()) as ManifestDraft & {
    files: unknown;
  };
  return seal({ ...draft, set }, files, key);
}
