/**
 * `make best-possible`: how far each model gets from a named baseline to the best possible, on the synthetic world that
 * the shipped models were fitted on (`make baseline`), for customers whom they have not seen. Models are asked through
 * the runtime of the stream.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { worldHistory } from '../baseline/world';
import { DEFAULT_WORLD } from '../../processors/sim/world';
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, loadArtifact } from '../../models';
import { HistoryFold, LABEL_PLANS } from '../dataset';
import { DAY_MS } from '../../schemas';
import { askModel } from './world/ask-model';
import { bestPossible } from './world/best-possible';
import { writeWorldRows } from './world/write';
import { runPython } from './trainer-python';

const HELP = `node dist/backfill/benchmark/best-possible.js [options]
  --customers N   of the world (6000)
  --days N        of history (450)
  --seed N        of the world (1)
  --asked N       validation customers whose best possible is computed (900)
  --trained DIR   <model>/model.onnx, instead of the shipped models; fitted on the same world
  --out FILE      the result (reports/best-possible.json)
  --work DIR      keep rows and models there
`;
const { values } = parseArgs({
  options: {
    customers: { type: 'string', default: '6000' },
    days: { type: 'string', default: '450' },
    seed: { type: 'string', default: '1' },
    asked: { type: 'string', default: '900' },
    trained: { type: 'string' },
    out: { type: 'string', default: 'reports/best-possible.json' },
    work: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const END = Date.UTC(2026, 0, 1);

function count(name: 'customers' | 'days' | 'seed' | 'asked', least: number): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name} is ${values[name]}; give a whole number, at least ${least}.`);
  return value;
}

async function onnxOf(model: string): Promise<Uint8Array> {
  if (values.trained !== undefined) return readFileSync(join(values.trained, model, 'model.onnx'));
  const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };
  return (await loadArtifact(place, model)).onnx;
}

async function main(): Promise<void> {
  const [customers, days, seed] = [count('customers', 500), count('days', 330), count('seed', 0)];
  const asked = count('asked', 10);
  const work = resolve(values.work ?? mkdtempSync(join(tmpdir(), 'rescore-best-')));
  const say = (line: string): unknown => process.stdout.write(`${line}\n`);
  try {
    const { history, range, truth } = worldHistory({ customers, days, seed, endAt: END });
    const fold = new HistoryFold(range);
    for (const record of history) fold.take(record);
    const snapshots = fold.finish();
    say(`${fold.counts.inputs} inputs of ${customers} customers, ${days} days`);
    const settings = { ...DEFAULT_WORLD, customers, days, seed, startAt: END - days * DAY_MS };
    const best = bestPossible(settings);
    const rows = join(work, 'rows');
    for (const plan of LABEL_PLANS) {
      const onnx = await onnxOf(plan.name);
      const ask = (vectors: Float32Array): Promise<Float32Array> => askModel(onnx, vectors);
      const written = await writeWorldRows(rows, plan, { snapshots, range, best, latent: truth, asked, ask });
      say(`${plan.name}: ${written} validation rows, their best possible integrated`);
    }
    const out = resolve(values.out);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(join(rows, 'world.json'), `${JSON.stringify({ customers, days, seed })}\n`);
    runPython('rescore_benchmark.world_measure', [rows, out]);
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
