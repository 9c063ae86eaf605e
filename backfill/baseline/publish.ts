/** From the trainer's files to a signed artifact in a registry. */
import { BASELINE_SET } from '../../models';
import { OnnxModel } from '../../models/onnx/session';
import { publishArtifact } from '../../models/registry/publish';
import type { RegistryPlace, VerifiedArtifact } from '../../models/registry/registry';
import type { SigningKey } from '../../models/signing';
import { candidateOf } from '../pipeline/candidate';
import type { TrainingRun } from '../pipeline/candidate';

/** Signs and publishes one model; the runtime has replayed its golden vectors before the pointer moves. */
export function publishModel(
  place: RegistryPlace,
  run: Omit<TrainingRun, 'set'>,
  model: string,
  key: SigningKey,
): Promise<VerifiedArtifact> {
  const { draft, files } = candidateOf({ ...run, set: BASELINE_SET }, model);
  const replayed = async (artifact: VerifiedArtifact): Promise<void> =>
    (await OnnxModel.open(artifact)).release();
  return publishArtifact(place, draft, files, key, replayed, {
    at: run.range.endAt,
    by: 'make baseline',
    reason: 'a demonstration model, fitted again',
  });
}
