/**
 * `make baseline`: fits the demonstration models again. A world of customers → the real core's vectors and labels →
 * the trainer → ONNX, golden vectors, card and manifest → signed → models/baseline. The same arguments give the same
 * models. The private key never enters the repository: --key FILE or RESCORE_BASELINE_KEY (a file, too).
 */
import { Option } from 'commander';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baselineDirectory } from '../models';
import { readSigningKey } from '../models/signing';
import type { EpochMs } from '../schemas';
import { runBaseline } from './baseline/run';
import { BASELINE_WORLD, worldHistory } from './baseline/world';
import { midnight, newProgram, runProgram, wholeNumber } from './program';

interface Options {
  key?: string;
  customers: number;
  days: number;
  ends: EpochMs;
  seed: number;
  work?: string;
  out?: string;
}

const program = newProgram('baseline.js', 'Fits the demonstration models again and signs them.')
  .option(
    '--key <file>',
    'Ed25519 private key (PEM), else the file that RESCORE_BASELINE_KEY names; without one: openssl genpkey -algorithm ed25519 -out FILE, public half into models/baseline/trusted-keys.json',
  )
  .option('--customers <n>', 'of the world', wholeNumber(500), BASELINE_WORLD.customers)
  .option(
    '--days <n>',
    'of history; labels of ltv need 180 of them, windows 90',
    wholeNumber(330),
    BASELINE_WORLD.days,
  )
  .addOption(
    new Option('--ends <date>', 'the day that the history ends, UTC: versions begin with it')
      .argParser(midnight)
      .default(BASELINE_WORLD.endAt, '2026-01-01'),
  )
  .option('--seed <n>', 'of world and training', wholeNumber(0), BASELINE_WORLD.seed)
  .option(
    '--work <dir>',
    'keep dataset and reports there; the dataset of the same world is not made a second time',
  )
  .option('--out <dir>', 'registry to write (models/baseline)');

runProgram<Options>(program, async ({ key, customers, days, ends, seed, work: kept, out }) => {
  const keyFile = key ?? process.env['RESCORE_BASELINE_KEY'];
  if (keyFile === undefined) throw new Error('A signing key is needed: --key FILE or RESCORE_BASELINE_KEY.');
  const work = kept ?? mkdtempSync(join(tmpdir(), 'rescore-baseline-'));
  try {
    await runBaseline({
      ...worldHistory({ customers, days, seed, endAt: ends }),
      source: `synthetic world, ${customers} customers, ${days} days, seed ${seed}`,
      seed,
      key: readSigningKey(readFileSync(keyFile, 'utf8')),
      work,
      out: out ?? baselineDirectory(),
      say: line => process.stdout.write(`${line}\n`),
    });
  } finally {
    if (kept === undefined) rmSync(work, { recursive: true, force: true });
  }
});
