/** @jest-environment ./models/testing/onnx-environment.js */
/** `rescore backfill consistency` and `rescore explain --score` over a replay with the shipped models. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openScorer } from '../models';
import type { EngagementScore } from '../schemas';
import type { ConsistencyReport } from '../backfill/consistency';
import { runCli } from './testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-consistency-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const env = { RESCORE_STATE_PARTITIONS: '3', RESCORE_PUBLISH_VECTOR_SHARE: '0.2' };
const run = (line: string) => runCli(line.split(' '), { cwd: directory, env, openScorer });
const json = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
const FILES = '--scores out/scores.jsonl --inputs world.jsonl --format segment';

let lines: string[];
let scores: (EngagementScore & { id: string })[];
beforeAll(async () => {
  const { stdout } = await run('world --customers 10 --days 30 --seed 5');
  writeFileSync(join(directory, 'world.jsonl'), stdout);
  lines = stdout.trim().split('\n');
  const replay = await run('replay world.jsonl --format segment --out out --until 2026-03-10T00:00:00Z');
  expect({ code: replay.code, stderr: replay.code === 0 ? '' : replay.stderr }).toEqual({
    code: 0,
    stderr: '',
  });
  scores = readFileSync(join(directory, 'out', 'scores.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as EngagementScore & { id: string });
}, 60_000);

test('every vector of a replay comes back from its files', async () => {
  const { code, stdout } = await run(`backfill consistency ${FILES} --run run --metrics consistency.prom`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(': 0 differ.') as string });
  const report = json('run/consistency.json') as ConsistencyReport;
  const { length } = scores;
  expect(report).toMatchObject({ scores: length, checked: length, differing: 0, missing: 0, examples: [] });
  expect(report.wholeVectors).toBe(scores.filter(({ vector }) => vector !== null).length);
  expect(report.wholeVectors).toBeGreaterThan(0);
  const metrics = readFileSync(join(directory, 'consistency.prom'), 'utf8');
  expect(metrics).toContain(`\nrescore_consistency_checked_scores ${length}\n`);
  expect(metrics).toContain('\nrescore_consistency_differing_scores 0\n');
});

test('the same files give the same bytes', async () => {
  const before = readFileSync(join(directory, 'run', 'consistency.json'));
  await run(`backfill consistency ${FILES} --run run`);
  expect(readFileSync(join(directory, 'run', 'consistency.json')).equals(before)).toBe(true);
});

test('a changed row is found, the features are named, and the exit code says it', async () => {
  const at = lines.findIndex(line => line.includes('"Order Completed"'));
  const changed = lines.with(at, lines[at]!.replace(/"revenue":\s*"?[\d.]+"?/, '"revenue":98765.43'));
  expect(changed[at]).not.toBe(lines[at]);
  writeFileSync(join(directory, 'changed.jsonl'), `${changed.join('\n')}\n`);
  const found = await run(`backfill consistency ${FILES.replace('world', 'changed')} --run changed`);
  expect(found.code).toBe(1);
  expect(found.stderr).toContain('scores-differ');
  const { differing, examples, features } = json('changed/consistency.json') as ConsistencyReport;
  expect(differing).toBeGreaterThan(0);
  expect(Object.keys(features).join()).toMatch(/revenue|order_value/);
  for (const { id } of examples) expect(found.stdout).toContain(id);
  // Names of features with both values, no customer.
  expect(found.stdout).toMatch(/: published [\d.]+, recomputed [\d.]+/);
});

test("a run's range is its last day", async () => {
  const endAt = scores.at(-1)!.asOf + 1;
  writeFileSync(join(directory, 'run', 'plan.json'), JSON.stringify({ range: { startAt: 0, endAt } }));
  const { code } = await run(`backfill consistency ${FILES} --run run`);
  const inDay = scores.filter(({ asOf }) => asOf >= endAt - 86_400_000 && asOf < endAt).length;
  expect({ code, report: json('run/consistency.json') }).toMatchObject({
    code: 0,
    report: { scores: inDay },
  });
});

test('what is asked wrongly is refused', async () => {
  expect(await run('backfill consistency --scores out/scores.jsonl')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--scores and --inputs go together') as string,
  });
  expect((await run(`backfill consistency ${FILES} --sample 2`)).code).toBe(2);
  expect((await run('explain')).code).toBe(2);
  const nobody = await run(`explain --score 00 ${FILES}`);
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('score-unknown') as string });
});

describe('explain --score', () => {
  test('a score comes out again, with its vector, its models and why', async () => {
    const score = scores.filter(({ cause }) => cause === 'tick').at(-3)!;
    const { code, stdout } = await run(`explain --score ${score.id} ${FILES}`);
    expect(code).toBe(0);
    expect(stdout).toContain('What was published is what comes out again.');
    expect(stdout).toContain(score.vectorHash);
    expect(stdout).toMatch(/Why churn \(.*\): margin/);
    expect(stdout).not.toContain('differs');
  });

  test('for a program: what is equal, and what is not', async () => {
    const score = scores.find(({ vector }) => vector !== null)!;
    const told = JSON.parse((await run(`--json explain --score ${score.id} ${FILES}`)).stdout) as {
      equal: boolean;
      features: Record<string, number | null>;
    };
    expect(told).toMatchObject({ id: score.id, equal: true });
    expect(Object.values(told.features)).toEqual(score.vector);
    const forged = { ...score, churn30d: score.churn30d / 2 };
    writeFileSync(join(directory, 'forged.jsonl'), `${JSON.stringify(forged)}\n`);
    const refused = await run(`--json explain --score ${score.id} ${FILES.replace('out/scores', 'forged')}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/scores-differ: .*comes out differently: churn30d\./);
  });

  test('without its models the vector is compared all the same', async () => {
    const score = scores[5]!;
    const old = {
      ...score,
      models: score.models.map(model => ({ ...model, version: '20200101T000000Z-00000000' })),
    };
    writeFileSync(join(directory, 'old.jsonl'), `${JSON.stringify(old)}\n`);
    const told = await run(`explain --score ${score.id} ${FILES.replace('out/scores', 'old')}`);
    expect(told.code).toBe(0);
    expect(told.stderr).toContain('only its vector is compared');
    expect(told.stdout).toContain(score.vectorHash);
  });
});
