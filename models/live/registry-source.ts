/** The registry as the swap sees it: pointers, versions that are verified, proven and warm, and the way back. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../processors/ports';
import type { ModelSource, PointerMove, Pointed } from '../../processors/swap';
import { ArtifactError } from '../errors';
import { OpenModel } from '../onnx/open-model';
import { REQUIRED_MODELS, constantsOf, explainerOf, trainedOnOf } from '../onnx/scorer';
import { MAX_ROWS_PER_RUN, OnnxModel } from '../onnx/session';
import { openStore } from '../registry/open-store';
import type { S3Access } from '../registry/open-store';
import { rollBack } from '../registry/publish';
import { currentPointer, loadVersion } from '../registry/registry';
import type { StorePlace, VerifiedArtifact } from '../registry/registry';
import { shadowPointer } from '../registry/shadow-pointer';
import type { TrustedKey } from '../signing';

export interface SourcePlace {
  /** A folder or s3://bucket/prefix. */
  directory: string;
  s3: S3Access;
  set: string;
  keys: readonly TrustedKey[];
  /** false: scores without reasons. */
  explains: boolean;
  clock: Pick<Clock, 'now'>;
  /** Who moves pointers back, for the audit. */
  by: string;
}

/** Throws `ArtifactError` (`location-malformed`). */
export function openRegistrySource({ directory, s3, set, keys, ...rest }: SourcePlace): RegistrySource {
  return new RegistrySource({ store: openStore(directory, s3), set, keys }, rest);
}

export class RegistrySource implements ModelSource<OpenModel> {
  readonly names: readonly string[] = REQUIRED_MODELS;

  constructor(
    private readonly place: StorePlace,
    private readonly options: Pick<SourcePlace, 'explains' | 'clock' | 'by'>,
  ) {}

  async champion(name: string): Promise<Pointed> {
    const pointer = await currentPointer(this.place, name);
    if (pointer === null)
      throw new ArtifactError('pointer-missing', `${name}/current.json`, 'there is no such file');
    const { version, manifestSha256: digest, sequence, previous, withdrawn = [] } = pointer;
    return { version, digest, sequence, previous, withdrawn };
  }

  async shadow(name: string): Promise<Pointed | null> {
    const pointer = await shadowPointer(this.place, name);
    if (pointer?.version == null) return null;
    const { version, manifestSha256: digest, sequence } = pointer;
    return { version, digest, sequence, previous: null };
  }

  async open(name: string, version: string, digest: string | null): Promise<OpenModel> {
    const artifact = await loadVersion(this.place, name, version, digest);
    await setImmediate();
    const model = await OpenModel.open(artifact, this.options.explains);
    try {
      await warm(model, artifact);
      return model;
    } catch (error) {
      await model.release();
      throw error;
    }
  }

  assemble(models: readonly OpenModel[]) {
    return {
      constants: constantsOf(models),
      explain: explainerOf(models),
      trainedOn: trainedOnOf(models),
    };
  }

  async moveBack(name: string, from: string, to: string, reason: string): Promise<PointerMove> {
    const decision = { at: this.options.clock.now(), by: this.options.by, reason };
    // It has scored here a moment ago, but in the registry it may have been damaged since.
    const replayed = async (artifact: VerifiedArtifact): Promise<void> =>
      (await OnnxModel.open(artifact)).release();
    try {
      await rollBack(this.place, name, replayed, decision, to, from);
      return 'moved';
    } catch (error) {
      if (error instanceof ArtifactError && error.code === 'pointer-moved') return 'elsewhere';
      throw error;
    }
  }

  close(): void {
    this.place.store.close();
  }
}

/** A first run of full size takes the memory that later ones use again. */
async function warm(model: OpenModel, { golden, manifest }: VerifiedArtifact): Promise<void> {
  const { width } = manifest.layout;
  const vectors = new Float32Array(MAX_ROWS_PER_RUN * width);
  for (let at = 0; at < vectors.length; at += golden.inputs.length)
    vectors.set(golden.inputs.subarray(0, Math.min(golden.inputs.length, vectors.length - at)), at);
  await model.answer(vectors, MAX_ROWS_PER_RUN);
}
