/**
 * `make best-possible`: how far each model gets from a named baseline to the best possible, on the synthetic world that
 * the shipped models were fitted on (`make baseline`), for customers whom they have not seen. Models are asked through
 * the runtime of the stream.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { BASELINE_WORLD, worldHistory } from '../baseline/world';
import { newProgram, runProgram, wholeNumber } from '../program';
import { DEFAULT_WORLD } from '../../processors/sim/world';
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, loadArtifact } from '../../models';
import { HistoryFold, LABEL_PLANS } from '../dataset';
import { DAY_MS } from '../../schemas';
import { askModel } from './world/ask-model';
import { bestPossible } from './world/best-possible';
import { writeWorldRows } from './world/write';
import { runPython } from './trainer-python';

interface Options {
  customers: number;
  days: number;
  seed: number;
  asked: number;
  trained?: string;
  out: string;
  work?: string;
}

const program = newProgram(
  'benchmark/best-possible.js',
  'How far each model gets from a named baseline to the best possible.',
)
  .option(
    '--customers <n>',
    'of the world; the first of those that the models were fitted on, named with as many digits',
    wholeNumber(500),
    12_000,
  )
  .option('--days <n>', 'of history', wholeNumber(330), BASELINE_WORLD.days)
  .option('--seed <n>', 'of the world', wholeNumber(0), BASELINE_WORLD.seed)
  .option('--asked <n>', 'validation customers whose best possible is computed', wholeNumber(10), 3_600)
  .option('--trained <dir>', '<model>/model.onnx, instead of the shipped models; fitted on the same world')
  .option('--out <file>', 'the result', 'reports/best-possible.json')
  .option('--work <dir>', 'keep rows and models there');

const END = BASELINE_WORLD.endAt;
const SHOWN_EVERY = 1_000_000;
const ASKED_EVERY = 500;
const say = (line: string): unknown => process.stdout.write(`${line}\n`);

async function onnxOf(model: string, trained: string | undefined): Promise<Uint8Array> {
  if (trained !== undefined) return readFileSync(join(trained, model, 'model.onnx'));
  const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };
  return (await loadArtifact(place, model)).onnx;
}

/** A name says on which side of the split a customer is: under other names some would be asked about who trained. */
function refuseOtherNames(customers: number): void {
  const digits = String(BASELINE_WORLD.customers - 1).length;
  if (String(customers - 1).length !== digits)
    throw new Error(
      `The customers that the models were fitted on have names of ${digits} digits; of ${customers} customers others would be kept back. Give --customers ${10 ** (digits - 1) + 1} to ${10 ** digits}.`,
    );
}

async function writeRows(rows: string, { customers, days, seed, asked, trained }: Options): Promise<void> {
  const { history, range, truth } = worldHistory({ customers, days, seed, endAt: END });
  const fold = new HistoryFold(range);
  for (const record of history) {
    fold.take(record);
    if (fold.counts.inputs % SHOWN_EVERY === 0) say(`${fold.counts.inputs} inputs`);
  }
  const snapshots = fold.finish();
  say(`${fold.counts.inputs} inputs of ${customers} customers, ${days} days`);
  const settings = { ...DEFAULT_WORLD, customers, days, seed, startAt: END - days * DAY_MS };
  const best = bestPossible(settings, begun => {
    if (begun % ASKED_EVERY === 0) say(`the best possible of ${begun} customers`);
  });
  for (const plan of LABEL_PLANS) {
    const onnx = await onnxOf(plan.name, trained);
    const ask = (vectors: Float32Array): Promise<Float32Array> => askModel(onnx, vectors);
    const written = await writeWorldRows(rows, plan, { snapshots, range, best, latent: truth, asked, ask });
    say(`${plan.name}: ${written} validation rows, their best possible integrated`);
  }
  writeFileSync(join(rows, 'world.json'), `${JSON.stringify({ customers, days, seed })}\n`);
}

runProgram<Options>(program, async options => {
  const work = resolve(options.work ?? mkdtempSync(join(tmpdir(), 'rescore-best-')));
  const out = resolve(options.out);
  refuseOtherNames(options.customers);
  try {
    await writeRows(join(work, 'rows'), options);
    mkdirSync(dirname(out), { recursive: true });
    runPython('rescore_benchmark.world_measure', [join(work, 'rows'), out]);
  } finally {
    if (options.work === undefined) rmSync(work, { recursive: true, force: true });
  }
});
