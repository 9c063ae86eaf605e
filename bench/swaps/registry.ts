/** A registry with the shipped models under many versions each, and its pointers as a publisher moves them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { baselineDirectory } from '../../models';
import { sha256Hex } from '../../models/layout';
import { DirectoryStore } from '../../models/registry/directory-store';
import { writePointer } from '../../models/registry/pointer';
import { bringIn } from '../../models/registry/publish';
import { seenPointer } from '../../models/registry/registry';
import { seal, sealedFolder } from '../../models/registry/sealed';
import { newSigningKey } from '../../models/signing';

export const NAMES = ['engagement', 'churn', 'ltv'];
export const VERSIONS = 8;
export const SET = 'bench';

export interface Place {
  directory: string;
  publicKey: string;
  /** Digest of the manifest by version, for each name. */
  digests: Map<string, Map<string, string>>;
}

/** The shipped models, signed again under `VERSIONS` versions each; the first is current. */
export async function registryOf(directory: string): Promise<Place> {
  const key = newSigningKey();
  const keys = [{ publicKey: key.publicKey, sets: [SET] }];
  const place = { store: new DirectoryStore(directory), set: SET, keys };
  const digests: Place['digests'] = new Map();
  for (const name of NAMES) {
    const { version: shipped } = JSON.parse(
      readFileSync(join(baselineDirectory(), name, 'current.json'), 'utf8'),
    ) as { version: string };
    const { manifest, files } = await sealedFolder(join(baselineDirectory(), name, shipped));
    const { files: _files, ...draft } = JSON.parse(Buffer.from(manifest).toString()) as Parameters<
      typeof seal
    >[0] & { files: unknown };
    const known = new Map<string, string>();
    digests.set(name, known);
    for (let number = 0; number < VERSIONS; number++) {
      const version = `2026010${number + 1}${shipped.slice(8)}`;
      const sealed = seal({ ...draft, set: SET, version }, files, key);
      await bringIn(place, sealed, () => Promise.resolve());
      known.set(version, sha256Hex(sealed.manifest));
    }
    await point({ directory, publicKey: key.publicKey, digests }, name, [...known.keys()][0]!);
  }
  return { directory, publicKey: key.publicKey, digests };
}

/** As a publisher moves it, without the verification that would be measured with the processor. */
export async function point({ directory, digests }: Place, name: string, version: string): Promise<void> {
  const store = new DirectoryStore(directory);
  const seen = await seenPointer({ store, set: SET, keys: [] }, name);
  const pointer = {
    name,
    version,
    manifestSha256: digests.get(name)!.get(version)!,
    sequence: (seen?.pointer.sequence ?? 0) + 1,
    previous: seen?.pointer.version ?? null,
  };
  await store.swap(`${name}/current.json`, Buffer.from(writePointer(pointer)), seen?.tag ?? null);
}
