/** What a row costs in the runtime of this machine: one of the gate's questions. */
import type { VerifiedArtifact } from '../registry/registry';
import { MAX_ROWS_PER_RUN, OnnxModel } from './session';

const WARM_RUNS = 3;
const RUNS = 15;

/** Opens the artifact (golden replay included) and gives the median microseconds a row of full runs. */
export async function microsPerRow(artifact: VerifiedArtifact, nowMicros: () => number): Promise<number> {
  const model = await OnnxModel.open(artifact);
  try {
    const { golden } = artifact;
    const { width } = artifact.manifest.layout;
    const vectors = Float32Array.from(
      { length: MAX_ROWS_PER_RUN * width },
      (_value, at) => golden.inputs[at % golden.inputs.length]!,
    );
    const took: number[] = [];
    for (let run = -WARM_RUNS; run < RUNS; run++) {
      const startedAt = nowMicros();
      await model.run(vectors, MAX_ROWS_PER_RUN);
      if (run >= 0) took.push((nowMicros() - startedAt) / MAX_ROWS_PER_RUN);
    }
    return took.sort((a, b) => a - b)[RUNS >> 1]!;
  } finally {
    await model.release();
  }
}
