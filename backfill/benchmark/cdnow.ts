/**
 * `make cdnow FILE=…`: the models on real orders, against figures that are known. The file stays where it is; what is
 * made of it goes to --work, and the result holds sums alone.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { newProgram, runProgram, wholeNumber } from '../program';
import { readOrders } from './cdnow/orders';
import { writeBenchmark } from './cdnow/write';
import { runPython } from './trainer-python';

const program = newProgram('benchmark/cdnow.js', 'The models on real orders, against figures that are known.')
  .requiredOption('--file <file>', 'CDNOW_master.txt: the orders of all 23,570 customers')
  .option('--out <file>', 'the result', 'reports/cdnow.json')
  .option('--seed <n>', 'of the training', wholeNumber(0), 1)
  .option('--work <dir>', 'keep rows and predictions there');

runProgram<{ file: string; out: string; seed: number; work?: string }>(program, async options => {
  const out = resolve(options.out);
  const work = resolve(options.work ?? mkdtempSync(join(tmpdir(), 'rescore-cdnow-')));
  try {
    const written = writeBenchmark(work, await readOrders(options.file));
    process.stdout.write(
      `${written.orders} orders of ${written.customers} customers; ${written.rows} vectors until 1997-09-30\n`,
    );
    // The first program is given the calibration alone: it cannot see what is held out.
    const [calibration, predictions] = [join(work, 'calibration'), join(work, 'predictions')];
    runPython('rescore_benchmark.cdnow_predict', [calibration, predictions, '--seed', `${options.seed}`]);
    mkdirSync(dirname(out), { recursive: true });
    runPython('rescore_benchmark.cdnow_measure', [predictions, join(work, 'held-out'), out]);
  } finally {
    if (options.work === undefined) rmSync(work, { recursive: true, force: true });
  }
});
