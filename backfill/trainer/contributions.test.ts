/** Explanations in TypeScript against XGBoost's own, on 10,000 vectors of each shipped model; needs Python, like trainer.test.ts. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BASELINE_KEYS, BASELINE_SET, baselineDirectory, loadArtifact } from '../../models';
import { TreeShap } from '../../models/explain/tree-shap';
import { marginOf } from '../../models/explain/trees';
import { VECTOR_WIDTH } from '../../processors/core';

const VECTORS = 10_000;
const TOLERANCE = 1e-5;
const ADDITIVE = 1e-6;
const python = join(__dirname, '.venv', 'bin', 'python');
const installed = existsSync(python) && spawnSync(python, ['-c', 'import xgboost']).status === 0;
const place = { directory: baselineDirectory(), set: BASELINE_SET, keys: BASELINE_KEYS };

const folder = mkdtempSync(join(tmpdir(), 'rescore-contributions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function floats(file: string): Float32Array {
  const bytes = readFileSync(join(folder, file));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

(installed ? test : test.skip)('equal to XGBoost within 1e-5, additive within 1e-6', async () => {
  const module = ['-B', '-m', 'rescore_trainer.contributions'];
  const options = ['--vectors', String(VECTORS), '--seed', '7'];
  const run = spawnSync(python, [...module, place.directory, folder, ...options], {
    cwd: __dirname,
    encoding: 'utf8',
  });
  expect(`${run.status} ${run.stderr}`).toMatch(/^0 /);
  for (const name of ['engagement', 'churn', 'ltv']) {
    const { trees } = await loadArtifact(place, name);
    const vectors = floats(`${name}.vectors.f32`);
    const expected = floats(`${name}.contributions.f32`);
    expect(vectors.length).toBe(VECTORS * VECTOR_WIDTH);
    expect(vectors.filter(Number.isNaN).length / vectors.length).toBeGreaterThan(0.2);
    const shap = new TreeShap(trees!);
    const found = new Float64Array(VECTOR_WIDTH);
    let [worst, additive] = [0, 0];
    for (let row = 0; row < VECTORS; row++) {
      shap.explain(vectors, row * VECTOR_WIDTH, found);
      const from = row * (VECTOR_WIDTH + 1);
      for (let index = 0; index < VECTOR_WIDTH; index++)
        worst = Math.max(worst, Math.abs(found[index]! - expected[from + index]!));
      worst = Math.max(worst, Math.abs(shap.base - expected[from + VECTOR_WIDTH]!));
      const margin = marginOf(trees!, vectors, row * VECTOR_WIDTH);
      const sum = found.reduce((total, value) => total + value, shap.base);
      additive = Math.max(additive, Math.abs(sum - margin) / Math.max(1, Math.abs(margin)));
    }
    expect({ name, worst, within: worst <= TOLERANCE }).toMatchObject({ within: true });
    expect({ name, additive, within: additive <= ADDITIVE }).toMatchObject({ within: true });
  }
});
