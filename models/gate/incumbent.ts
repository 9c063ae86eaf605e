/** The model that scores now, as the gate wants to know it: verified, or with the reason why it can't be compared with. */
import { ArtifactError } from '../errors';
import { loadVersion } from '../registry/registry';
import type { RegistryPlace } from '../registry/registry';
import type { Incumbent } from './comparison';

/** `manifestSha256` null: any that a trusted key signed. @throws ArtifactError registry-unreachable */
export async function incumbentOf(
  place: RegistryPlace,
  name: string,
  version: string,
  manifestSha256: string | null,
): Promise<Incumbent> {
  try {
    await loadVersion(place, name, version, manifestSha256);
    return { version, incomparable: null };
  } catch (error) {
    // A registry that is silent says nothing of the model.
    if (!(error instanceof ArtifactError) || error.code === 'registry-unreachable') throw error;
    const because = error.code === 'layout-mismatch' ? 'otherLayout' : 'unusable';
    return { version, incomparable: { because, said: error.message.replace(/\.$/, '') } };
  }
}
