/** The Python trainer: where it is, and its report as it writes it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest, Normalisation } from '../../models/registry/manifest';

/** What is read here of the report.json of one model (docs/trainer.md). */
export interface TrainerReport {
  model: string;
  input: string;
  output: string;
  seed: number;
  rows: Manifest['rows'];
  metrics: Manifest['metrics'];
  parameters: Manifest['parameters'];
  /** What the gate asks for besides metrics. */
  evaluation: NonNullable<Manifest['evaluation']>;
  quantiles: Manifest['quantiles'];
  normalisation: Normalisation | null;
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

export const readReport = (out: string, model: string): TrainerReport =>
  JSON.parse(readFileSync(join(out, model, 'report.json'), 'utf8')) as TrainerReport;
