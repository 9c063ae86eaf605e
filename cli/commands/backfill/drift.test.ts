/** @jest-environment ./models/testing/onnx-environment.js */
/** drift and report as a person uses them: a dataset, the models that come with rescore, two files for the morning. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistoryFold } from '../../../backfill/dataset';
import { writeParquet } from '../../../backfill/dataset/parquet';
import type { Drift } from '../../../backfill/report';
import { RANGE, START, smallHistory } from '../../../backfill/testing/small-history';
import { runCli } from '../../testing/captured-io';

const cwd = mkdtempSync(join(tmpdir(), 'rescore-drift-'));
const night = join(cwd, 'night');
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
beforeAll(async () => {
  const history = new HistoryFold(RANGE);
  for (const record of smallHistory(60)) history.take(record);
  mkdirSync(night);
  await writeParquet(join(night, 'dataset.parquet'), history.finish(), RANGE);
});

const run = (...argv: string[]) => runCli(['--json', 'backfill', ...argv], { cwd, env: {} });

const drift = async (...argv: string[]): Promise<Drift> => {
  const { code, stdout, stderr } = await run('drift', '--run', 'night', ...argv);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Drift;
};

test('drift.json says what the command says, the same bytes again, and the report shows it', async () => {
  const first = await drift();
  expect(first.left).toContain('too few');
  expect(first.matured.map(({ model, source }) => [model, source])).toEqual([
    ['engagement', 'snapshots'],
    ['churn', 'snapshots'],
    ['ltv', 'snapshots'],
  ]);
  const written = readFileSync(join(night, 'drift.json'), 'utf8');
  expect(JSON.parse(written)).toEqual(first);
  await drift();
  expect(readFileSync(join(night, 'drift.json'), 'utf8')).toBe(written);

  const { code } = await run('report', '--run', 'night');
  expect(code).toBe(0);
  const page = readFileSync(join(night, 'report.html'), 'utf8');
  expect(page).toContain(`Not measured: ${first.left}`);
  expect(page).toContain('What was said, and what happened');
});

test('--metrics puts what drift found beside what other steps wrote into the file', async () => {
  const others =
    '# TYPE rescore_consistency_differing_scores gauge\nrescore_consistency_differing_scores 3\n';
  writeFileSync(join(cwd, 'night.prom'), `${others}rescore_matured_auc{model="churn",version="old"} 0.1\n`);
  for (let again = 0; again < 2; again++) {
    await drift('--metrics', 'night.prom');
    const text = readFileSync(join(cwd, 'night.prom'), 'utf8');
    expect(text.startsWith(others)).toBe(true);
    expect(text).not.toContain('"old"');
    expect(text.match(/^rescore_matured_auc\{model="churn",version="[^"]+"\} [\d.]+$/gm)).toHaveLength(1);
    expect(text.endsWith('\n')).toBe(true);
  }
});

test('--cloudwatch writes lines beside the result', async () => {
  const { stdout, stderr } = await run('drift', '--run', 'night', '--cloudwatch', 'shop');
  expect(() => void JSON.parse(stdout)).not.toThrow();
  const lines = stderr.split('\n').filter(line => line.startsWith('{'));
  expect(lines.map(line => (JSON.parse(line) as { model?: string }).model).sort()).toEqual([
    'churn',
    'engagement',
    'ltv',
    undefined,
  ]);
});

test('published scores are held against what happened, where they are given', async () => {
  const lines = Array.from({ length: 60 }, (_, number) => ({
    id: `score-${number}`,
    customerId: `c${number}`,
    asOf: START,
    engagement: 0.25,
    churn30d: 0.5,
    models: [{ name: 'churn', version: 'then' }],
  }));
  const removed = { id: 'gone', customerId: 'c1', removed: true };
  writeFileSync(
    join(cwd, 'scores.jsonl'),
    [...lines, removed].map(line => `${JSON.stringify(line)}\n`).join(''),
  );
  const { matured } = await drift('--scores', 'scores.jsonl');
  expect(matured.map(({ model, source, version }) => [model, source, version])).toEqual([
    ['engagement', 'published', 'unknown'],
    ['churn', 'published', 'then'],
  ]);
  // The same answer to everybody orders nobody.
  expect(matured[1]!.metrics['auc']).toBe(0.5);
});

test.each([
  [['drift', '--run', 'nowhere'], 'run-missing'],
  [['report', '--run', 'nowhere'], 'run-missing'],
  [['drift', '--run', '.'], 'input-missing'],
  [['drift', '--run', 'night', '--scores', 'none.jsonl'], 'input-missing'],
])('%j ends with %s', async (argv, expected) => {
  const { code, stderr } = await run(...argv);
  expect(code).toBe(1);
  expect(stderr).toContain(`rescore: ${expected}: `);
});
