/** A world, its dataset, and the same one spoilt; a training of each, by the trainer itself. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runPython } from '../../backfill/benchmark/trainer-python';
import { worldHistory } from '../../backfill/baseline/world';
import { HistoryFold, LABEL_PLANS, summariseRows, writeParquet } from '../../backfill/dataset';
import { labelOf } from '../../backfill/dataset/select';
import { candidateOf } from '../../backfill/pipeline/candidate';
import type { Candidate, TrainingRun } from '../../backfill/pipeline/candidate';
import { runTrainer } from '../../backfill/pipeline/trainer-process';
import { FEATURE_NAMES } from '../../processors/core';

export const MODEL = 'churn';
const WORLD = { customers: 1_500, days: 400, seed: 1, endAt: Date.UTC(2026, 0, 1) };
const LEAKING = 'page_views_last_30_days';

export interface Refusal {
  by: string;
  reason: string;
  seconds: number;
}

export class Trainings {
  private constructor(
    private readonly work: string,
    private readonly set: string,
    private readonly shared: Pick<TrainingRun, 'range' | 'sides'>,
    /** Of the dataset step over vectors in which a feature is the label; null: it wrote the file. */
    readonly leakInVectors: Refusal | null,
  ) {}

  /** Writes `work/data/NAME.parquet`, `good` and the spoilt ones (rescore_benchmark/bad_models.py). */
  static async prepare(work: string, set: string): Promise<Trainings> {
    const { history, range } = worldHistory(WORLD);
    const fold = new HistoryFold(range);
    for (const record of history) fold.take(record);
    const snapshots = fold.finish();
    const data = join(work, 'data');
    mkdirSync(data, { recursive: true });
    await writeParquet(join(data, 'good.parquet'), snapshots, range);
    const { sides } = summariseRows(snapshots, range);
    runPython('rescore_benchmark.bad_models', ['datasets', join(data, 'good.parquet'), data]);
    const column = FEATURE_NAMES.indexOf(LEAKING);
    const plan = LABEL_PLANS.find(({ name }) => name === MODEL)!;
    snapshots.rows.forEach((row, index) => (snapshots.vector(index)[column] = labelOf(plan, row)));
    const startedAt = performance.now();
    const words = await writeParquet(join(data, 'never.parquet'), snapshots, range).then(
      () => null,
      (error: Error) => error.message,
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const leak = words === null ? null : { by: 'dataset step', reason: words, seconds };
    return new Trainings(work, set, { range, sides }, leak);
  }

  /** The candidate, or the trainer's refusal in its words. */
  async train(dataset: string, seed: number, champions: string | null): Promise<Candidate | Refusal> {
    const out = join(this.work, 'trained', `${dataset}-${seed}`);
    let last = '';
    const startedAt = performance.now();
    try {
      await runTrainer({
        ...{ python: null, dataset: join(this.work, 'data', `${dataset}.parquet`), out, seed, champions },
        ...{ models: [MODEL], source: 'a synthetic world', notice: null },
        signal: new AbortController().signal,
        say: line => (last = line),
      });
    } catch {
      const reason = last.replace('rescore_trainer: ', '');
      return { by: 'trainer', reason, seconds: (performance.now() - startedAt) / 1_000 };
    }
    process.stdout.write(`${dataset}, seed ${seed}: ${last}\n`);
    const run = { trained: out, set: this.set, ...this.shared, source: 'a synthetic world' };
    return candidateOf({ ...run, codeCommit: 'unknown' }, MODEL);
  }

  /** Writes `work/graphs/{nan,hidden-nan,slow}.onnx`, made of what `train` left, and answers with their folder. */
  spoil(dataset: string, seed: number): string {
    const out = join(this.work, 'graphs');
    const trained = join(this.work, 'trained', `${dataset}-${seed}`, MODEL);
    const rows = join(this.work, 'data', `${dataset}.parquet`);
    runPython('rescore_benchmark.bad_models', ['graphs', trained, rows, out]);
    return out;
  }
}
