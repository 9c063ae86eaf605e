/** The Python trainer as a process: its environment beside it, its report as it writes it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest, Normalisation } from '../../models/registry/manifest';

export interface FairnessGroup {
  rows: number;
  meanScore: number;
  meanLabel: number;
  selected: number;
}

/** report.json of one model (backfill/trainer/rescore_trainer/train.py). */
export interface TrainerReport {
  model: string;
  input: string;
  output: string;
  seed: number;
  rows: Manifest['rows'];
  metrics: Manifest['metrics'];
  parameters: Manifest['parameters'];
  /** Share of the total gain, the ten largest. */
  gain: Record<string, number>;
  fairness: Record<string, { selectionRatio: number; groups: Record<string, FairnessGroup> }>;
  quantiles: Manifest['quantiles'];
  normalisation: Normalisation | null;
  /** What the gate asks for besides metrics. */
  evaluation?: Manifest['evaluation'];
}

/** Of the trainer, above dist/ when the program is compiled. */
export function trainerDirectory(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder) throw new Error('package.json was not found above the program.');
    folder = dirname(folder);
  }
  return join(folder, 'backfill', 'trainer');
}

function run(command: string, parameters: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, parameters, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined)
    throw new Error(`${command} could not be started: ${error.message}. Install Python 3.`);
  if (status !== 0) throw new Error(`${command} ended with ${status}; what it said stands above.`);
}

/** Makes the environment of pinned packages when it is not there; returns its Python. */
function environment(folder: string): string {
  const python = join(folder, '.venv', 'bin', 'python');
  if (!existsSync(python)) run('python3', ['-m', 'venv', '.venv'], folder);
  if (spawnSync(python, ['-c', 'import xgboost, onnx']).status !== 0)
    run(python, ['-m', 'pip', 'install', '--quiet', '-r', 'requirements.txt'], folder);
  return python;
}

/** Fits every model of the dataset into `out/<model>/`. */
export function runTrainer(dataset: string, out: string, seed: number): void {
  const folder = trainerDirectory();
  const python = environment(folder);
  run(python, ['-B', '-m', 'rescore_trainer', dataset, out, '--seed', String(seed)], folder);
}

export const readReport = (out: string, model: string): TrainerReport =>
  JSON.parse(readFileSync(join(out, model, 'report.json'), 'utf8')) as TrainerReport;
