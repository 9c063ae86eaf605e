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

function permuted(): Snapshots {
  const fold = new HistoryFold(RANGE);
  for (const record of smallHistory(450)) fold.take(record);
  const snapshots = fold.finish();
  const order = snapshots.rows
    .map((row, index) => ({ spans: row.activeSpans, key: hash64(`permuted ${index}`) }))
    .sort((a, b) => a.key.hi - b.key.hi || a.key.lo - b.key.lo);
  snapshots.rows.forEach((row, index) => (row.activeSpans = order[index]!.spans));
  return snapshots;
}

whenInstalled(
  'permuted labels give an AUC of 0.5',
  async () => {
    const work = mkdtempSync(join(tmpdir(), 'rescore-permuted-'));
    try {
      const snapshots = permuted();
      const classes = [0, 0];
      for (const { activeSpans } of snapshots.rows) classes[activeSpans === 0 ? 1 : 0]!++;
      expect(Math.min(...classes)).toBeGreaterThan(LEAST_OF_A_CLASS);
      const dataset = join(work, 'dataset.parquet');
      await writeParquet(dataset, snapshots, RANGE);
      const out = join(work, 'trained');
      const { signal } = new AbortController();
      const models = ['churn'];
      const say = (): void => undefined;
      const words = { source: 'a test', notice: null };
      await runTrainer({
        python: null,
        dataset,
        out,
        seed: 1,
        champions: null,
        models,
        ...words,
        signal,
        say,
      });
      const { rows, metrics } = readReport(out, 'churn');
      expect(rows.validation.rows).toBeGreaterThan(LEAST_OF_A_CLASS);
      expect(Math.abs(metrics['auc']!.value - 0.5)).toBeLessThan(0.06);
    } finally {
      rmSync(work, { recursive: true });
    }
  },
  600_000,
);
