/** One ONNX model in the runtime: opened, checked against its manifest, proven on its golden vectors. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ArtifactError } from '../errors';
import type { Manifest } from '../registry/manifest';
import type { VerifiedArtifact } from '../registry/registry';
import { replayGolden } from './golden-replay';

/** `run()` blocks the event loop: at most this many rows a call. */
export const MAX_ROWS_PER_RUN = 1_024;

/** One thread: two would halve the time and double the work, and lanes are the unit of parallelism. */
const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

export class OnnxModel {
  private constructor(
    readonly manifest: Manifest,
    private readonly session: InferenceSession,
  ) {}

  /** Opens a verified artifact and replays its golden vectors. Throws `ArtifactError`. */
  static async open(artifact: VerifiedArtifact): Promise<OnnxModel> {
    const { manifest } = artifact;
    const where = `${manifest.name}/${manifest.version}`;
    const session = await InferenceSession.create(artifact.onnx, OPTIONS).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      throw new ArtifactError('onnx-rejected', `${where}/model.onnx`, `the runtime says: ${why}`, { cause });
    });
    const model = new OnnxModel(manifest, session);
    try {
      model.checkShapes(where);
      await replayGolden(model, artifact.golden);
      return model;
    } catch (error) {
      await model.release();
      throw error;
    }
  }

  private checkShapes(where: string): void {
    const { input, output } = this.manifest;
    const sides = [
      ['input', input, this.session.inputMetadata],
      ['output', output, this.session.outputMetadata],
    ] as const;
    for (const [side, stated, found] of sides) {
      const only = found[0];
      const fits =
        found.length === 1 &&
        only !== undefined &&
        only.isTensor &&
        only.name === stated.name &&
        only.type === 'float32' &&
        only.shape.length === 2 &&
        typeof only.shape[0] === 'string' &&
        only.shape[1] === stated.shape[1];
      if (!fits)
        throw new ArtifactError(
          'shape-mismatch',
          `${where}/model.onnx`,
          `its ${side} is ${found.map(describe).join(' and ')}, the manifest says ${stated.name} float32[rows,${stated.shape[1]}]`,
        );
    }
  }

  /** Scores `rows` ≤ `MAX_ROWS_PER_RUN` row-major vectors; `vectors` holds exactly those. The answer is not checked. */
  async run(vectors: Float32Array, rows: number): Promise<Float32Array> {
    const { input, output } = this.manifest;
    const answers = await this.session.run({
      [input.name]: new Tensor('float32', vectors, [rows, input.shape[1]]),
    });
    return answers[output.name]!.data as Float32Array;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

const describe = (side: InferenceSession.ValueMetadata): string =>
  side.isTensor
    ? `${side.name} ${side.type}[${side.shape.map(size => (size === '' ? 'rows' : size)).join(',')}]`
    : side.name;
