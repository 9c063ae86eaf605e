/** @jest-environment ./models/testing/onnx-environment.js */
/** The demonstration models that come with the program. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { DAY_MS } from '../schemas';
import {
  DEFAULT_SETTINGS,
  FEATURE_NAMES,
  VECTOR_WIDTH,
  fold,
  newCustomer,
  writeVector,
} from '../processors/core';
import { NO_CLOCKS, activity, order } from '../processors/core/testing/inputs';
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, baselineScorer, loadArtifact } from '.';
import type { OnnxScorer, VerifiedArtifact } from '.';
import type { TreeModel } from './explain/trees';

const NAMES = ['engagement', 'churn', 'ltv'] as const;
const MEGABYTE = 1 << 20;

let scorer: OnnxScorer;
const artifacts: Partial<Record<(typeof NAMES)[number], VerifiedArtifact>> = {};
beforeAll(async () => {
  scorer = await baselineScorer();
  const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };
  for (const name of NAMES) artifacts[name] = await loadArtifact(place, name);
});
afterAll(() => scorer.release());

/** The trees walked by hand: an oracle that shares nothing with the runtime. */
function walk(model: TreeModel, x: Float32Array): number {
  let margin = model.base;
  for (const tree of model.trees) {
    let node = 0;
    while (tree.feature[node]! >= 0) {
      const value = x[tree.feature[node]!]!;
      if (Number.isNaN(value)) node = tree.missing[node]!;
      else node = value < tree.threshold[node]! ? tree.yes[node]! : tree.no[node]!;
    }
    margin += tree.value[node]!;
  }
  margin = model.scale * margin + model.offset;
  return model.link === 'exp' ? Math.exp(margin) : 1 / (1 + Math.exp(-margin));
}

const treesOf = (name: (typeof NAMES)[number]): TreeModel => artifacts[name]!.trees!;

test('each is smaller than a megabyte, and its files name no folder of a machine', () => {
  for (const name of NAMES) {
    const folder = join(baselineDirectory(), name, artifacts[name]!.manifest.version);
    const sizes = readdirSync(folder).map(file => statSync(join(folder, file)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MEGABYTE);
    for (const file of readdirSync(folder))
      expect(readFileSync(join(folder, file)).toString('latin1')).not.toMatch(/\/(home|root|tmp|work|usr)\//);
    expect(readFileSync(join(folder, 'card.md'), 'utf8')).toContain('For demonstration');
    expect(readdirSync(join(baselineDirectory(), name)).sort()).toEqual(
      [artifacts[name]!.manifest.version, 'current.json'].sort(),
    );
  }
});

test('they are signed for the set baseline, by a key that is trusted for nothing else', () => {
  for (const name of NAMES) expect(artifacts[name]!.manifest.set).toBe('baseline');
  for (const key of BASELINE_KEYS) expect(key.sets).toEqual(['baseline']);
});

test('the runtime answers as the trees walked by hand, for any vector', async () => {
  const models = Object.fromEntries(NAMES.map(name => [name, treesOf(name)])) as Record<string, TreeModel>;
  for (const name of NAMES) {
    expect(models[name]!.features).toEqual([...FEATURE_NAMES]);
    expect(models[name]!.trees.length).toBeLessThanOrEqual(200);
  }
  const thresholds = NAMES.flatMap(name => models[name]!.trees.flatMap(tree => tree.threshold)).map(
    Math.fround,
  );
  const value = fc.oneof(
    fc.constant(NaN),
    fc.constantFrom(...thresholds),
    fc.float({ noNaN: true, min: -10, max: 1_000 }),
  );
  const vector = fc.array(value, { minLength: VECTOR_WIDTH, maxLength: VECTOR_WIDTH });
  await fc.assert(
    fc.asyncProperty(fc.array(vector, { minLength: 1, maxLength: 9 }), async rows => {
      const vectors = Float32Array.from(rows.flat());
      const found = await scorer.score(vectors, rows.length);
      rows.forEach((_row, at) => {
        const x = vectors.subarray(at * VECTOR_WIDTH, (at + 1) * VECTOR_WIDTH);
        for (const name of NAMES) {
          const expected = walk(models[name]!, x);
          const off = Math.abs(found[name][at]! - expected) / Math.max(1, Math.abs(expected));
          expect(off).toBeLessThanOrEqual(1e-5);
        }
      });
    }),
    { numRuns: 300 },
  );
});

test('who comes every day and buys scores above who fell silent', async () => {
  const start = Date.UTC(2026, 0, 1, 12);
  const vectors = new Float32Array(2 * VECTOR_WIDTH);
  [100, 40].forEach((lastDay, row) => {
    const customer = newCustomer('c1');
    for (let day = 0; day <= lastDay; day++) {
      fold(customer, activity(start + day * DAY_MS), NO_CLOCKS, DEFAULT_SETTINGS, []);
      if (day % 10 === 0) fold(customer, order(start + day * DAY_MS), NO_CLOCKS, DEFAULT_SETTINGS, []);
    }
    writeVector(customer.facts, start + 100 * DAY_MS, vectors, row * VECTOR_WIDTH);
  });
  const { engagement, churn, ltv } = await scorer.score(vectors, 2);
  expect(engagement[0]!).toBeGreaterThan(engagement[1]! + 0.2);
  expect(churn[1]!).toBeGreaterThan(churn[0]! + 0.2);
  expect(ltv[0]!).toBeGreaterThan(ltv[1]!);
});
