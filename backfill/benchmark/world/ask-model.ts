/** Answers of a trained model through the runtime of the stream. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { VECTOR_WIDTH } from '../../../processors/core';

const PORTION = 1_024;

/** One answer per row of `vectors`. */
export async function askModel(onnx: Uint8Array, vectors: Float32Array): Promise<Float32Array> {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, executionMode: 'sequential' });
  const rows = vectors.length / VECTOR_WIDTH;
  const answers = new Float32Array(rows);
  try {
    for (let from = 0; from < rows; from += PORTION) {
      const some = Math.min(PORTION, rows - from);
      const part = vectors.slice(from * VECTOR_WIDTH, (from + some) * VECTOR_WIDTH);
      const given = { [session.inputNames[0]!]: new Tensor('float32', part, [some, VECTOR_WIDTH]) };
      answers.set((await session.run(given))[session.outputNames[0]!]!.data as Float32Array, from);
    }
  } finally {
    await session.release();
  }
  return answers;
}
