/** Labels that belong to somebody else teach nothing: whatever leaks around the split would show here. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash64 } from '../../processors/core';
import { readReport, trainerDirectory } from '../baseline/trainer';
import { HistoryFold, writeParquet } from '../dataset';
import type { Snapshots } from '../dataset';
import { RANGE, smallHistory } from '../testing/small-history';
import { runTrainer } from './trainer-process';

const LEAST_OF_A_CLASS = 400;
const isInstalled = existsSync(join(trainerDirectory(), '.venv', 'bin', 'python'));
if (!isInstalled) process.stderr.write('Skipped: permuted labels; `make trainer` installs what they need.\n');
const whenInstalled = isInstalled ? test : test.skip;

const fold = new HistoryFold(RANGE);
for (const record of smallHistory(450)) fold.take(record);
const snapshots = fold.finish();
const spans = snapshots.rows.map(({ activeSpans }) => activeSpans);

/** The same labels, each with the row of somebody else. */
function permuted(salt: number): Snapshots {
  const order = spans
    .map((own, index) => ({ spans: own, key: hash64(`permuted ${salt} ${index}`) }))
    .sort((a, b) => a.key.hi - b.key.hi || a.key.lo - b.key.lo);
  snapshots.rows.forEach((row, index) => (row.activeSpans = order[index]!.spans));
  return snapshots;
}

/** AUC of churn on validation rows; null: the trainer says by itself that the features do not order the label. */
async function aucOf(snapshots: Snapshots): Promise<number | null> {
  const work = mkdtempSync(join(tmpdir(), 'rescore-permuted-'));
  const said: string[] = [];
  try {
    const [dataset, out] = [join(work, 'dataset.parquet'), join(work, 'trained')];
    await writeParquet(dataset, snapshots, RANGE);
    await runTrainer({
      ...{ python: null, dataset, out, seed: 1, champions: null, models: ['churn'] },
      ...{ source: 'a test', notice: null, signal: new AbortController().signal },
      say: line => void said.push(line),
    });
    const { rows, metrics } = readReport(out, 'churn');
    expect(rows.validation.rows).toBeGreaterThan(LEAST_OF_A_CLASS);
    return metrics['auc']!.value;
  } catch (error) {
    if (said.at(-1)?.includes('the features do not order the label') !== true) throw error;
    return null;
  } finally {
    rmSync(work, { recursive: true });
  }
}

whenInstalled(
  'permuted labels give an AUC of 0.5, or no model at all',
  async () => {
    const gone = spans.filter(active => active === 0).length;
    expect(Math.min(gone, spans.length - gone)).toBeGreaterThan(LEAST_OF_A_CLASS);
    const found: (number | null)[] = [];
    for (const salt of [1, 2, 3, 4]) found.push(await aucOf(permuted(salt)));
    const aucs = found.filter(auc => auc !== null);
    for (const auc of aucs) expect(Math.abs(auc - 0.5)).toBeLessThan(0.06);
    expect(aucs).not.toEqual([]);
  },
  600_000,
);
