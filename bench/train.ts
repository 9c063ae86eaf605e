/**
 * `make bench-train`: what it costs to train all models on a table of which 100,000 rows train each. Keeps seconds, seconds
 * of processor and the load of the machine; ends with an error when it took longer than two minutes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runPython } from '../backfill/benchmark/trainer-python';
import { systemClock } from '../cli/clock';
import { commitOf, compare, keepResult, machine, previousResult } from './results';

const ROOT = resolve(__dirname, existsSync(join(__dirname, '../package.json')) ? '..' : '../..');
/** Rows of the table: three in ten customers validate, and training rows end with the first two thirds of the time. */
const ROWS = 220_000;
const MOST_SECONDS = 120;

function main(): void {
  const work = mkdtempSync(join(tmpdir(), 'rescore-bench-train-'));
  try {
    const file = join(work, 'figures.json');
    runPython('rescore_benchmark.train_measure', [String(ROWS), file]);
    const figures = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const commit = commitOf(ROOT);
    const directory = join(ROOT, 'bench', 'results', 'train');
    const result = { commit, measuredAt: new Date(systemClock.now()).toISOString(), ...machine(), figures };
    process.stdout.write(compare(result, previousResult(directory, commit)));
    process.stdout.write(`Kept in ${keepResult(directory, result)}\n`);
    const { seconds, processorSeconds } = figures as { seconds: number; processorSeconds: number };
    if (!(seconds <= MOST_SECONDS))
      throw new Error(
        `training took ${seconds} s, at most ${MOST_SECONDS} are allowed; ${processorSeconds} s of it on a processor, at a load of ${figures['load.before']} before and ${figures['load.after']} after`,
      );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
