/** Pointers of a registry moved as a publisher moves them, without its verification. */
import { writePointer } from '../models/registry/pointer';
import { seenPointer } from '../models/registry/registry';
import type { RegistryStore } from '../models/registry/store';

/** `manifestSha256`: of the manifest of that version. */
export async function point(
  store: RegistryStore,
  name: string,
  version: string,
  manifestSha256: string,
): Promise<void> {
  const seen = await seenPointer({ store, set: '', keys: [] }, name);
  const { sequence, version: previous } = seen?.pointer ?? { sequence: 0, version: null };
  const pointer = { name, version, manifestSha256, sequence: sequence + 1, previous };
  await store.swap(`${name}/current.json`, Buffer.from(writePointer(pointer)), seen?.tag ?? null);
}
