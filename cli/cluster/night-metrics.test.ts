/** The page of a processor has what the last night found, whatever happens to the file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyReport, reportFamilies } from '../../backfill/consistency';
import { asPrometheus } from '../../backfill/prometheus';
import type { Context } from '../context';
import { readSettings } from '../settings';
import { runCli } from '../testing/captured-io';
import { NightMetrics, openNightMetrics } from './night-metrics';

const NIGHT = asPrometheus(reportFamilies({ ...emptyReport(), differing: 3 }, 5_000));
const READ = /^rescore_night_metrics_read (\d)$/m;

let now: number;
let held: string | Error | null;
let asked: number;
beforeEach(() => {
  [now, held, asked] = [0, NIGHT, 0];
});
const opened = (): NightMetrics =>
  new NightMetrics(
    () => {
      asked++;
      if (held instanceof Error) return Promise.reject(held);
      return Promise.resolve(held === null ? null : Buffer.from(held));
    },
    { now: () => now },
  );

test('a scrape shows what was read before it, and asks again after a minute', async () => {
  const night = opened();
  expect(night.page()).toBe('');
  await night.refresh();
  expect(night.page()).toContain('\nrescore_consistency_differing_scores 3\n');
  expect(night.page()).toMatch(READ);
  expect(asked).toBe(2);
  now = 60_000;
  night.page();
  night.page();
  expect(asked).toBe(3);
});

test.each([
  ['is away', new Error('no such bucket')],
  ['is missing', null],
  ['holds metrics of somebody else', `${NIGHT}rescore_partitions 99\n`],
  ['is no metrics at all', '<html>'],
  ['is too large', `${NIGHT}${'rescore_night_x 1\n'.repeat(100_000)}`],
])('a file that %s changes nothing but the metric that says so', async (_, broken) => {
  const night = opened();
  await night.refresh();
  expect(READ.exec(night.page())![1]).toBe('1');
  held = broken;
  await night.refresh();
  const page = night.page();
  expect(READ.exec(page)![1]).toBe('0');
  expect(page.slice(page.indexOf('# HELP rescore_consistency'))).toBe(NIGHT);
});

test('`backfill keep` leaves the file where the setting looks for it', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'rescore-night-metrics-'));
  try {
    for (const name of ['plan.json', 'metrics.prom']) writeFileSync(join(cwd, name), NIGHT);
    const { code } = await runCli(['backfill', 'keep', '--run', cwd, '--to', 'kept'], { cwd });
    expect(code).toBe(0);
    const { settings } = readSettings({ RESCORE_BACKFILL_METRICS: 'kept/metrics.prom' }, null);
    const path = (given: string): string => join(cwd, given);
    const context = { settings, path, io: { clock: { now: () => now } } } as unknown as Context;
    const { metrics, close } = openNightMetrics(context)!;
    await metrics.refresh();
    const night = metrics.page();
    expect(night.endsWith(NIGHT)).toBe(true);
    close();
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
