/**
 * `make cdnow FILE=…`: the models on real orders, against figures that are known. The file stays where it is; what is
 * made of it goes to --work, and the result holds sums alone.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readOrders } from './cdnow/orders';
import { writeBenchmark } from './cdnow/write';
import { runPython } from './trainer-python';

const HELP = `node dist/backfill/benchmark/cdnow.js --file FILE [options]
  --file FILE    CDNOW_master.txt: the orders of all 23,570 customers
  --out FILE     the result (reports/cdnow.json)
  --seed N       of the training (1)
  --work DIR     keep rows and predictions there
`;
const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    out: { type: 'string', default: 'reports/cdnow.json' },
    seed: { type: 'string', default: '1' },
    work: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.file === undefined) throw new Error('Which file? Give --file CDNOW_master.txt.');
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new Error(`--seed is ${values.seed}; give a whole number, at least 0.`);
  const out = resolve(values.out);
  const work = resolve(values.work ?? mkdtempSync(join(tmpdir(), 'rescore-cdnow-')));
  try {
    const written = writeBenchmark(work, await readOrders(values.file));
    process.stdout.write(
      `${written.orders} orders of ${written.customers} customers; ${written.rows} vectors until 1997-09-30\n`,
    );
    // The first program is given the calibration alone: it cannot see what is held out.
    const predictions = join(work, 'predictions');
    runPython('rescore_benchmark.cdnow_predict', [
      join(work, 'calibration'),
      predictions,
      '--seed',
      `${seed}`,
    ]);
    mkdirSync(dirname(out), { recursive: true });
    runPython('rescore_benchmark.cdnow_measure', [predictions, join(work, 'held-out'), out]);
  } finally {
    if (values.work === undefined) rmSync(work, { recursive: true, force: true });
  }
}

if (values.help) process.stdout.write(HELP);
else
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
