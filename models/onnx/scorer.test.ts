/** @jest-environment ./models/testing/onnx-environment.js */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { VECTOR_WIDTH } from '../../processors/core';
import { openScorer } from '..';
import { LAYOUT_FINGERPRINT } from '../layout';
import { NORMALISATION, emptyRegistry, publishTiny, tinyModel, tinyVectors } from '../testing/artifacts';
import type { TestRegistry } from '../testing/artifacts';
import { overflowingAbove, tinyAnswer } from '../testing/tiny-onnx';
import { createScorer } from './scorer';
import type { OnnxScorer } from './scorer';

let directory: string;
let place: TestRegistry;
let scorer: OnnxScorer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescore-scorer-'));
  place = emptyRegistry(directory);
  for (const name of ['engagement', 'churn', 'ltv']) await publishTiny(place, name);
  scorer = await openScorer(place);
});
afterAll(async () => {
  await scorer.release();
  rmSync(directory, { recursive: true });
});

const bits = (column: Float32Array): number[] => [
  ...new Uint32Array(column.buffer, column.byteOffset, column.length),
];

test('every row is answered as the trees say, also beyond one run of the runtime', async () => {
  const rows = 2_500;
  const vectors = tinyVectors(rows);
  const columns = await scorer.score(vectors, rows);
  for (const [name, logistic] of [
    ['engagement', true],
    ['churn', true],
    ['ltv', false],
  ] as const) {
    const model = tinyModel(logistic);
    expect(columns[name]).toHaveLength(rows);
    for (let row = 0; row < rows; row++) {
      const x = vectors.subarray(row * VECTOR_WIDTH, (row + 1) * VECTOR_WIDTH);
      expect(columns[name][row]).toBeCloseTo(tinyAnswer(model, x), 6);
    }
  }
});

test('an answer is the same bits in whatever batch its row is scored', async () => {
  const rows = 1_100;
  const vectors = tinyVectors(rows);
  const whole = await scorer.score(vectors, rows);
  await fc.assert(
    fc.asyncProperty(fc.nat(rows - 1), fc.integer({ min: 1, max: 1_100 }), async (first, size) => {
      const count = Math.min(size, rows - first);
      const part = await scorer.score(vectors.subarray(first * VECTOR_WIDTH), count);
      for (const name of ['engagement', 'churn', 'ltv'] as const)
        expect(bits(part[name])).toEqual(bits(whole[name].slice(first, first + count)));
    }),
    { numRuns: 60 },
  );
});

test('calls that overlap do not touch one another', async () => {
  const vectors = tinyVectors(40);
  const alone = await scorer.score(vectors, 40);
  const together = await Promise.all(
    Array.from({ length: 8 }, (_call, call) => scorer.score(vectors.subarray(call * VECTOR_WIDTH), 5)),
  );
  together.forEach((columns, call) => {
    expect(bits(columns.ltv)).toEqual(bits(alone.ltv.slice(call, call + 5)));
  });
});

test('no rows give empty columns, too few values are a bug of the caller', async () => {
  expect((await scorer.score(new Float32Array(0), 0)).churn).toHaveLength(0);
  await expect(scorer.score(new Float32Array(VECTOR_WIDTH), 2)).rejects.toThrow(RangeError);
});

test('constants come from the manifests', () => {
  expect(scorer.constants).toMatchObject({ layout: LAYOUT_FINGERPRINT, ...NORMALISATION });
  expect(scorer.constants.models.map(model => model.name)).toEqual(['engagement', 'churn', 'ltv']);
  for (const model of scorer.constants.models)
    expect(model.version).toMatch(/^20260101T000000Z-[0-9a-f]{8}$/);
});

test('a release waits for the runs under way and ends the scorer', async () => {
  const other = await openScorer(place);
  const running = other.score(tinyVectors(3_000), 3_000);
  const released = other.release();
  expect((await running).churn).toHaveLength(3_000);
  await released;
  await other.release();
  await expect(other.score(tinyVectors(1), 1)).rejects.toThrow('released');
});

test('a model that turns out to give NaN for some row is an error that names the row', async () => {
  const registry = emptyRegistry(mkdtempSync(join(directory, 'nan-')));
  // Golden vectors never go above this threshold on feature 4 together, so only a later row finds it.
  const poisoned = tinyModel(false, {
    base: 1,
    stumps: overflowingAbove(4, 3.402_823e38),
    overflowIsNaN: true,
  });
  const artifacts = [
    await publishTiny(registry, 'engagement'),
    await publishTiny(registry, 'churn'),
    await publishTiny(registry, 'ltv', poisoned),
  ];
  const bad = await createScorer(artifacts, true);
  const vectors = tinyVectors(5);
  vectors[3 * VECTOR_WIDTH + 4] = Infinity;
  await expect(bad.score(vectors, 5)).rejects.toMatchObject({
    code: 'output-invalid',
    reason: 'row 3 gave NaN, the manifest allows 0 to any number',
  });
  await bad.release();
});
