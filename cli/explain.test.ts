/** @jest-environment ./models/testing/onnx-environment.js */
/** `rescore explain` with the shipped models: what it says adds up to the score, and is what the score itself says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEATURE_NAMES } from '../processors/core';
import type { Reason } from '../schemas';
import { openScorer } from '../models';
import type { ModelExplanation } from './customer/contributions';
import type { Io } from './io';
import { runCli } from './testing/captured-io';

const directory = mkdtempSync(join(tmpdir(), 'rescore-explain-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const run = (line: string, open: Io['openScorer'] = openScorer) =>
  runCli(line.split(' '), { cwd: directory, openScorer: open });

interface Score {
  customerId: string;
  asOf: number;
  reasons: (Reason & { sentence?: string })[];
}
interface Explained {
  asOf: string;
  newest: { engagement: number; churn30d: number; asOf: string };
  explanations: ModelExplanation[];
}

let scores: Score[];
let explained: Explained;
let id: string;
beforeAll(async () => {
  const { stdout } = await run('world --customers 8 --days 30 --seed 5');
  writeFileSync(join(directory, 'world.jsonl'), stdout);
  const replay = await run('replay world.jsonl --format segment --out out --until 2026-02-10T00:00:00Z');
  expect({ code: replay.code, stderr: replay.code === 0 ? '' : replay.stderr }).toEqual({
    code: 0,
    stderr: '',
  });
  scores = readFileSync(join(directory, 'out', 'scores.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Score);
  id = scores.at(-1)!.customerId;
  explained = JSON.parse((await run(`--json explain ${id} --state out/state`)).stdout) as Explained;
});

const logistic = (margin: number): number => 1 / (1 + Math.exp(-margin));

test('every published score has the three largest reasons of each model, its remainder and its base', () => {
  expect(scores.length).toBeGreaterThan(20);
  for (const { reasons } of scores)
    for (const name of ['engagement', 'churn', 'ltv']) {
      const own = reasons.filter(({ model }) => model === name);
      expect(own.slice(3).map(({ feature }) => feature)).toEqual(['remainder', 'base']);
      const sizes = own.slice(0, 3).map(({ contribution }) => Math.abs(contribution));
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      for (const { feature, sentence } of own.slice(0, 3)) {
        expect(FEATURE_NAMES).toContain(feature);
        expect(sentence).toMatch(/^(Raises|Lowers) the .*\.$/);
      }
    }
});

test('contributions and base sum to the margin, and the margin is the answer', () => {
  expect(explained.explanations.map(({ name }) => name)).toEqual(['engagement', 'churn', 'ltv']);
  for (const { margin, base, contributions } of explained.explanations)
    expect(contributions.reduce((sum, { contribution }) => sum + contribution, base)).toBeCloseTo(margin, 9);
  expect(explained.newest.asOf).toBe(explained.asOf);
  expect(logistic(explained.explanations[0]!.margin)).toBeCloseTo(explained.newest.engagement, 6);
});

test('they are the reasons of the published score of the same instant', () => {
  const score = scores.findLast(each => each.customerId === id && each.asOf === Date.parse(explained.asOf));
  if (score === undefined)
    throw new Error('take a seed whose last score is published at the last evaluation');
  for (const { name, base, contributions } of explained.explanations) {
    const own = score.reasons.filter(({ model }) => model === name);
    expect(own.slice(0, 3)).toEqual(contributions.slice(0, 3).map(each => ({ model: name, ...each })));
    expect(own.at(-1)!.contribution).toBe(base);
  }
});

test('for a person: bars on both sides of a line, as long as the contributions, and sentences', async () => {
  const { code, stdout } = await run(`explain ${id} --state out/state`);
  expect(code).toBe(0);
  for (const { name, version, contributions } of explained.explanations) {
    expect(stdout).toContain(`Why ${name} (${version}): margin `);
    expect(stdout).toContain(`  ${contributions[0]!.sentence}\n`);
    for (const { feature } of contributions) expect(stdout).toMatch(new RegExp(`[█▪│].* ${feature} `));
  }
  const bars = [...stdout.matchAll(/^ *([+-][\d.]+) {2}([ █▪]*)│([ █▪]*) /gm)];
  expect(bars.length).toBe(explained.explanations.flatMap(({ contributions }) => contributions).length);
  for (const [, contribution, lowers, raises] of bars)
    expect((contribution!.startsWith('-') ? raises : lowers)!.trim()).toBe('');
});

test('models that cannot be opened: the facts are shown, and the fault', async () => {
  const failing = await run(`explain ${id} --state out/state`, () =>
    Promise.reject(new Error('no such folder.')),
  );
  expect(failing.code).toBe(0);
  expect(failing.stderr).toContain('The models cannot explain this: no such folder.');
  expect(failing.stdout).toContain('last_login_days_ago');
});
