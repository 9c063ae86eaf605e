/** The models that score now, in files as the trainer reads them: they are measured on the same hold-out rows. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { incumbentOf } from '../../models/gate/incumbent';
import { FILE_LIMITS } from '../../models/registry/manifest';
import { seenPointer } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { MANIFEST_LIMIT } from '../../models/registry/registry';
import { writeWhole } from './files';

export interface Champion {
  name: string;
  version: string;
}

const FILES = {
  'model.onnx': FILE_LIMITS['model.onnx'],
  'trees.json': FILE_LIMITS['trees.json'],
  'manifest.json': MANIFEST_LIMIT,
};

/**
 * Verified, then written to `folder/<name>/`. Names without a current model are left out; one that may not score any
 * more (another layout, a damaged file) is told and left out; the gate is told too. @throws ArtifactError registry-unreachable
 */
export async function writeChampions(
  place: StorePlace,
  names: readonly string[],
  folder: string,
  say: (line: string) => void,
): Promise<Champion[]> {
  rmSync(folder, { recursive: true, force: true });
  const champions: Champion[] = [];
  for (const name of names) {
    const seen = await seenPointer(place, name);
    if (seen === null) continue;
    const { version, manifestSha256 } = seen.pointer;
    const { incomparable } = await incumbentOf(place, name, version, manifestSha256);
    if (incomparable !== null) {
      say(`${name}/${version} can't be compared with: ${incomparable.said}.`);
      continue;
    }
    for (const [file, limit] of Object.entries(FILES)) {
      const found = await place.store.read(`${name}/${version}/${file}`, limit);
      if (found !== null) writeWhole(join(folder, name, file), found.bytes);
    }
    champions.push({ name, version });
  }
  return champions;
}
