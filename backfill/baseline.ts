/**
 * `make baseline`: fits the demonstration models again. A world of customers → the real core's vectors and labels →
 * the trainer → ONNX, golden vectors, card and manifest → signed → models/baseline. The same arguments give the same
 * models. The private key never enters the repository: --key FILE or RESCORE_BASELINE_KEY (a file, too).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { baselineDirectory } from '../models';
import { readSigningKey } from '../models/signing';
import { runBaseline } from './baseline/run';
import { worldHistory } from './baseline/world';

const HELP = `node dist/backfill/baseline.js --key FILE [options]

  --key FILE        Ed25519 private key (PEM), else the file that RESCORE_BASELINE_KEY names; without one:
                    openssl genpkey -algorithm ed25519 -out FILE, public half into models/baseline/trusted-keys.json
  --customers N     of the world (6000)
  --days N          of history (450); labels of ltv need 180 of them, windows 90
  --ends DATE       the day that the history ends, UTC: versions begin with it (2026-01-01)
  --seed N          of world and training (1)
  --work DIR        keep dataset and reports there
  --out DIR         registry to write (models/baseline)
`;

const { values } = parseArgs({
  options: {
    key: { type: 'string' },
    customers: { type: 'string', default: '6000' },
    days: { type: 'string', default: '450' },
    ends: { type: 'string', default: '2026-01-01' },
    seed: { type: 'string', default: '1' },
    work: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function count(name: 'customers' | 'days' | 'seed', least: number): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name} is ${values[name]}; give a whole number, at least ${least}.`);
  return value;
}

function endOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(at)) throw new Error(`--ends is ${text}; give a day as 2026-01-01.`);
  return at;
}

async function main(): Promise<void> {
  const keyFile = values.key ?? process.env['RESCORE_BASELINE_KEY'];
  if (keyFile === undefined) throw new Error('A signing key is needed: --key FILE or RESCORE_BASELINE_KEY.');
  const [customers, days, seed] = [count('customers', 500), count('days', 330), count('seed', 0)];
  const world = worldHistory({ customers, days, seed, endAt: endOf(values.ends) });
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'rescore-baseline-'));
  try {
    await runBaseline({
      ...world,
      source: `synthetic world, ${customers} customers, ${days} days, seed ${seed}`,
      seed,
      key: readSigningKey(readFileSync(keyFile, 'utf8')),
      work,
      out: values.out ?? baselineDirectory(),
      say: line => process.stdout.write(`${line}\n`),
    });
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
