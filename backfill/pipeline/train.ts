/** The models of a dataset, trained in a process of their own; `trained/` is there whole or not at all. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readReport } from '../baseline/trainer';
import type { Manifest } from '../../models/registry/manifest';
import { LABEL_PLANS } from '../dataset';
import type { Champion } from './champions';
import { BackfillError } from './errors';
import { readJson, sha256, sha256OfFile, writeJson } from './files';
import { DATASET_FILE } from './join';
import type { DatasetNote } from './join';
import type { RunFolder } from './run-folder';
import { runTrainer } from './trainer-process';
import type { TrainerRun } from './trainer-process';

export interface TrainNote {
  models: { name: string; rows: Manifest['rows']; metrics: Manifest['metrics'] }[];
  /** Not trained, and why. */
  left: { name: string; reason: string }[];
  champions: Champion[];
  seed: number;
  inputs: string;
}

export interface TrainRequest extends Pick<TrainerRun, 'python' | 'seed' | 'signal' | 'say'> {
  run: RunFolder;
  /** Null: all of the dataset. */
  models: readonly string[] | null;
  champions: readonly Champion[];
}

const inputsOf = (dataset: DatasetNote, { seed, models }: Pick<TrainRequest, 'seed' | 'models'>): string =>
  sha256(JSON.stringify([dataset.sha256, seed, models]));

/** Null: not trained, or on other rows, or otherwise. The models that scored then are not looked at. */
export function trainDone(request: Pick<TrainRequest, 'run' | 'seed' | 'models'>): TrainNote | null {
  const { run } = request;
  const note = readJson<TrainNote>(run.at('trained', 'train.json'));
  if (note === null) return null;
  return note.inputs === inputsOf(run.require<DatasetNote>('dataset.json', 'dataset'), request) ? note : null;
}

/** @throws BackfillError step-missing, trainer-failed, interrupted */
export async function train(request: TrainRequest): Promise<TrainNote> {
  const { run, champions } = request;
  const dataset = run.require<DatasetNote>('dataset.json', 'dataset');
  if (!run.has(DATASET_FILE))
    throw new BackfillError('step-missing', `${run.at(DATASET_FILE)} is not there: \`dataset\` comes first.`);
  if (sha256OfFile(run.at(DATASET_FILE)) !== dataset.sha256)
    throw new BackfillError('run-damaged', `${run.at(DATASET_FILE)} was changed after it was made.`);
  const { wanted, left } = chosen(dataset, request.models);
  const out = run.at('trained.partial');
  rmSync(out, { recursive: true, force: true });
  const folder = champions.length === 0 ? null : run.at('champions');
  const { python, seed, signal, say } = request;
  const source = run.plan().source.words;
  const shared = { python, seed, signal, say, source, notice: null, champions: folder };
  await runTrainer({ ...shared, out, models: wanted, dataset: run.at(DATASET_FILE) });
  const models = wanted.map(name => {
    if (!existsSync(join(out, name, 'report.json')))
      throw new BackfillError('trainer-failed', `The trainer left no report of ${name}.`);
    const { rows, metrics } = readReport(out, name);
    return { name, rows, metrics };
  });
  const note = {
    models,
    left,
    champions: [...champions],
    seed: request.seed,
    inputs: inputsOf(dataset, request),
  };
  writeJson(join(out, 'train.json'), note);
  rmSync(run.at('trained'), { recursive: true, force: true });
  renameSync(out, run.at('trained'));
  return note;
}

/** A model needs rows on both sides; a young archive has none for the long horizons. */
function chosen({ sides }: DatasetNote, models: readonly string[] | null) {
  const asked = models ?? LABEL_PLANS.map(({ name }) => name);
  const has = (name: string): boolean => sides[name]!.training.rows > 0 && sides[name]!.validation.rows > 0;
  const left = asked
    .filter(name => !has(name))
    .map(name => ({ name, reason: 'the history is too short for its labels' }));
  return { wanted: asked.filter(has), left };
}
