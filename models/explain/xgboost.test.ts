/**
 * The shipped models explained as XGBoost itself explains them (`pred_contribs`), on golden vectors: holes, exact
 * thresholds and extremes among them. `make contributions` asks XGBoost again and writes frozen/contributions.json;
 * backfill/trainer/contributions.test.ts compares 10,000 vectors where Python is installed.
 */
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, loadArtifact } from '..';
import { VECTOR_WIDTH } from '../../processors/core';
import frozen from './frozen/contributions.json';
import { TreeShap } from './tree-shap';
import { marginOf } from './trees';

/** XGBoost adds up in single precision. */
const TOLERANCE = 1e-5;
const ADDITIVE = 1e-6;
const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };

interface Sample {
  model: string;
  version: string;
  everyGoldenVector: number;
  /** Contributions by feature, and `base`; what is 0 is left out. */
  rows: Record<string, number>[];
}

test.each(frozen as unknown as Sample[])('$model', async ({ model, version, everyGoldenVector, rows }) => {
  const { manifest, golden, trees } = await loadArtifact(place, model);
  // Another model needs another sample: make contributions.
  expect(manifest.version).toBe(version);
  expect(rows.length).toBeGreaterThanOrEqual(15);
  const shap = new TreeShap(trees!);
  const found = new Float64Array(VECTOR_WIDTH);
  rows.forEach((expected, row) => {
    const at = row * everyGoldenVector * VECTOR_WIDTH;
    shap.explain(golden.inputs, at, found);
    trees!.features.forEach((name, index) =>
      expect(Math.abs(found[index]! - (expected[name] ?? 0))).toBeLessThanOrEqual(TOLERANCE),
    );
    expect(Math.abs(shap.base - expected['base']!)).toBeLessThanOrEqual(TOLERANCE);
    const margin = marginOf(trees!, golden.inputs, at);
    const sum = found.reduce((total, value) => total + value, shap.base);
    expect(Math.abs(sum - margin)).toBeLessThanOrEqual(ADDITIVE * Math.max(1, Math.abs(margin)));
  });
});
