/** @jest-environment ./models/testing/onnx-environment.js */
/** trees.json as part of an artifact: signed and verified like every file, bound to the model by its golden vectors. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEATURE_NAMES, VECTOR_WIDTH } from '../../processors/core';
import { openScorer } from '..';
import type { OnnxScorer } from '..';
import type { TreeModel } from '../explain/trees';
import { emptyRegistry, publishTiny, tinyModel, tinyVectors, treesOf } from '../testing/artifacts';
import type { TestRegistry } from '../testing/artifacts';

let directory: string;
let place: TestRegistry;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescore-trees-'));
  place = emptyRegistry(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

const churn = treesOf('churn', tinyModel(true));
const publishChurn = (trees: unknown) =>
  publishTiny(place, 'churn', undefined, {}, typeof trees === 'string' ? trees : JSON.stringify(trees));

/** Engagement and ltv come without trees. */
async function open(): Promise<OnnxScorer> {
  await publishTiny(place, 'engagement');
  await publishTiny(place, 'ltv');
  return openScorer(place);
}

test('a model with trees says why, in the order of the rows; one without says nothing', async () => {
  await publishChurn(churn);
  const scorer = await open();
  const vectors = tinyVectors(300);
  const rows = Array.from({ length: 300 }, (_row, index) => 299 - index);
  const reasons = await scorer.explain(vectors, rows);
  const { churn: answers } = await scorer.score(vectors, 300);
  await scorer.release();
  rows.forEach((row, index) => {
    expect(new Set(reasons[index]!.map(({ model }) => model))).toEqual(new Set(['churn']));
    expect(reasons[index]!.slice(-2).map(({ feature }) => feature)).toEqual(['remainder', 'base']);
    const margin = reasons[index]!.reduce((sum, { contribution }) => sum + contribution, 0);
    expect(1 / (1 + Math.exp(-margin))).toBeCloseTo(answers[row]!, 6);
  });
});

test('without any trees every list is empty', async () => {
  await publishTiny(place, 'churn');
  const scorer = await open();
  expect(await scorer.explain(tinyVectors(2), [1, 0])).toEqual([[], []]);
  await scorer.release();
});

test('as many as asked for', async () => {
  await publishChurn(churn);
  const scorer = await open();
  const vectors = new Float32Array(VECTOR_WIDTH);
  const [all] = await scorer.explain(vectors, [0], VECTOR_WIDTH);
  const [one] = await scorer.explain(vectors, [0], 1);
  await scorer.release();
  expect(all!.map(({ feature }) => feature).sort()).toEqual(
    [...FEATURE_NAMES.slice(0, 3), 'base', 'remainder'].sort(),
  );
  expect(all!.find(({ feature }) => feature === 'remainder')!.contribution).toBeCloseTo(0, 12);
  expect(one).toHaveLength(3);
  expect(one![0]).toEqual(all![0]);
});

test('a file that is not the signed one, or is gone, is refused', async () => {
  const { manifest } = await publishChurn(churn);
  const file = join(directory, 'churn', manifest.version, 'trees.json');
  writeFileSync(file, JSON.stringify({ ...churn, base: 0.25 }));
  await expect(open()).rejects.toMatchObject({ code: 'file-digest-mismatch' });
  rmSync(file);
  await expect(openScorer(place)).rejects.toMatchObject({ code: 'file-missing' });
});

const tree = churn.trees[0]!;
const withTree = (more: Partial<typeof tree>): TreeModel => ({
  ...churn,
  trees: [{ ...tree, ...more }, ...churn.trees.slice(1)],
});

test('a feature that is split on and no golden vector meets exactly is refused: a comparison turned round would go unseen', async () => {
  const idle = (feature: number, threshold: number): typeof tree => ({
    ...tree,
    feature: [feature, -1, -1],
    threshold: [Math.fround(threshold), 0, 0],
    value: [0, 0, 0],
  });
  // Feature 3 is met on 7.25; 7.3 does no harm beside it, and alone it is not met.
  const met = { ...churn, trees: [...churn.trees, idle(3, 7.3), idle(3, 7.25)] };
  const unmet = { ...churn, trees: [...churn.trees, idle(3, 7.3)] };
  await publishChurn(met);
  await expect(publishChurn(unmet)).rejects.toMatchObject({
    code: 'golden-malformed',
    reason: `no vector lies exactly on a split of ${FEATURE_NAMES[3]}`,
  });
});

/** A chain of splits, each with a leaf on its left. */
function chain(depth: number): typeof tree {
  const size = 2 * depth + 1;
  const at = (inner: (node: number) => number, leaf: number): number[] =>
    Array.from({ length: size }, (_node, node) => (node % 2 === 0 && node < size - 1 ? inner(node) : leaf));
  return {
    feature: at(() => 0, -1),
    threshold: at(() => 1, 0),
    yes: at(node => node + 1, -1),
    no: at(node => node + 2, -1),
    missing: at(node => node + 1, -1),
    value: at(() => 0, 0.5),
    cover: at(() => 2, 1),
  };
}

test.each<[string, unknown, string, string | RegExp]>([
  ['no JSON', '{', 'trees-malformed', 'it is not JSON'],
  ['nothing', {}, 'trees-malformed', /^model: /],
  ['of another model', { ...churn, model: 'ltv' }, 'trees-malformed', 'it is of the model ltv'],
  [
    'of another layout',
    { ...churn, features: FEATURE_NAMES.slice(1) },
    'trees-malformed',
    'features: they are not those of the layout',
  ],
  [
    'a double as threshold',
    withTree({ threshold: [0.1, 0, 0] }),
    'trees-malformed',
    /must be a float32 value/,
  ],
  [
    'an array is short',
    withTree({ cover: [4, 3] }),
    'trees-malformed',
    'trees.0: cover has 2 values for 3 nodes',
  ],
  ['a child that is the root', withTree({ yes: [0, -1, -1] }), 'trees-malformed', /trees.0: node 0/],
  [
    'a child outside',
    withTree({ no: [3, -1, -1] }),
    'trees-malformed',
    /trees.0: node 0 sends|trees.0: node 3/,
  ],
  ['one child twice', withTree({ no: [1, -1, -1] }), 'trees-malformed', /trees.0: node 1/],
  ['NaN goes nowhere', withTree({ missing: [0, -1, -1] }), 'trees-malformed', /which is no child/],
  [
    'a feature too many',
    withTree({ feature: [VECTOR_WIDTH, -1, -1] }),
    'trees-malformed',
    /asks for feature/,
  ],
  ['no cover', withTree({ cover: [0, 0, 0] }), 'trees-malformed', /no cover/],
  ['too deep', { ...churn, trees: [chain(6)] }, 'trees-malformed', 'trees.0: it is deeper than 5'],
  [
    'the trees of something else',
    withTree({ value: [0, 0.5, 0.5] }),
    'trees-mismatch',
    /^golden vector \d+ gives/,
  ],
  ['another base', { ...churn, base: 0.25 }, 'trees-mismatch', /^golden vector 1 gives/],
])('%s is refused', async (_what, trees, code, reason) => {
  await expect(publishChurn(trees)).rejects.toMatchObject({
    code,
    artifact: expect.stringMatching(/^churn\/.*\/trees\.json$/) as string,
    reason: expect.stringMatching(reason) as string,
  });
});

test('five deep is accepted as far as the form goes', async () => {
  await expect(publishChurn({ ...churn, trees: [chain(5)] })).rejects.toMatchObject({
    code: 'trees-mismatch',
  });
});
