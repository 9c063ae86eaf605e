/** The models that scored before a run, open, to answer snapshots. */
import { FEATURE_NAMES } from '../../processors/core';
import { takeAnswers } from '../../models/onnx/answers';
import { MAX_ROWS_PER_RUN, OnnxModel } from '../../models/onnx/session';
import { loadVersion, seenPointer } from '../../models/registry/registry';
import type { StorePlace } from '../../models/registry/registry';
import { LABEL_PLANS } from '../dataset';
import type { MeasuredModel, Vectored } from './measure';
import type { ModelName } from './tail';

/** Champions by name, as the gate saw them (null: none scored); names that are not in it are asked of the registry. */
export type KnownChampions = Readonly<Record<string, string | null | undefined>>;

export interface OpenModels {
  readonly models: readonly MeasuredModel[];
  release(): Promise<void>;
}

/** Names without a model are left out. @throws ArtifactError */
export async function openModels(place: StorePlace, champions: KnownChampions): Promise<OpenModels> {
  const open: { name: ModelName; model: OnnxModel }[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(open.map(({ model }) => model.release()));
  };
  try {
    for (const { name } of LABEL_PLANS) {
      const known = champions[name];
      // By now a model of this very run may score: what it learned from shows no drift.
      const version = known === undefined ? (await seenPointer(place, name))?.pointer.version : known;
      if (version === undefined || version === null) continue;
      open.push({ name, model: await OnnxModel.open(await loadVersion(place, name, version, null)) });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { models: open.map(({ name, model }) => measured(name, model)), release };
}

const measured = (name: ModelName, model: OnnxModel): MeasuredModel => ({
  name,
  version: model.manifest.version,
  quantiles: model.manifest.quantiles,
  metrics: Object.fromEntries(
    Object.entries(model.manifest.metrics).map(([metric, { value }]) => [metric, value]),
  ),
  answers: rows => answersOf(model, rows),
});

async function answersOf(model: OnnxModel, rows: readonly Vectored[]): Promise<Float32Array> {
  const answers = new Float32Array(rows.length);
  for (let first = 0; first < rows.length; first += MAX_ROWS_PER_RUN) {
    const chunk = rows.slice(first, first + MAX_ROWS_PER_RUN);
    const vectors = new Float32Array(chunk.length * FEATURE_NAMES.length);
    chunk.forEach(({ vector }, row) => vectors.set(vector, row * FEATURE_NAMES.length));
    takeAnswers(model.manifest, await model.run(vectors, chunk.length), answers, first, chunk.length);
  }
  return answers;
}
