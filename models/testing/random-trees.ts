/** Arbitrary trees over a few features, so that paths ask the same feature again, and vectors that sit on splits. */
import fc from 'fast-check';
import { FEATURE_NAMES } from '../../processors/core';
import { MAX_DEPTH } from '../explain/trees';
import type { Tree, TreeModel } from '../explain/trees';

type Sprout =
  | { leaf: number; cover: number }
  | { feature: number; threshold: number; yesHoldsNaN: boolean; share: number; yes: Sprout; no: Sprout };

const THRESHOLDS = [-2.5, 0, 0.1, 1, 7].map(Math.fround);
/** Few, so that a brute-force oracle over coalitions stays quick. */
export const TREE_FEATURES = 5;

const leaf = fc.record({
  leaf: fc.double({ min: -3, max: 3, noNaN: true }).map(value => Math.fround(value)),
  cover: fc.constant(1),
});
const sprout = (depth: number): fc.Arbitrary<Sprout> =>
  depth === 0
    ? leaf
    : fc.oneof(
        { weight: 1, arbitrary: leaf },
        {
          weight: 4,
          arbitrary: fc.record({
            feature: fc.nat(TREE_FEATURES - 1),
            threshold: fc.constantFrom(...THRESHOLDS),
            yesHoldsNaN: fc.boolean(),
            share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
            yes: sprout(depth - 1),
            no: sprout(depth - 1),
          }),
        },
      );

function grow(root: Sprout): Tree {
  const tree: Record<keyof Tree, number[]> = {
    feature: [],
    threshold: [],
    yes: [],
    no: [],
    missing: [],
    value: [],
    cover: [],
  };
  const add = (node: Sprout, cover: number): number => {
    const at = tree.feature.length;
    const isLeaf = 'leaf' in node;
    tree.feature.push(isLeaf ? -1 : node.feature);
    tree.threshold.push(isLeaf ? 0 : node.threshold);
    tree.value.push(isLeaf ? node.leaf : 0);
    tree.cover.push(cover);
    for (const part of ['yes', 'no', 'missing'] as const) tree[part].push(-1);
    if (isLeaf) return at;
    tree.yes[at] = add(node.yes, cover * node.share);
    tree.no[at] = add(node.no, cover * (1 - node.share));
    tree.missing[at] = node.yesHoldsNaN ? tree.yes[at]! : tree.no[at]!;
    return at;
  };
  add(root, 1_000);
  return tree;
}

export const anyModel: fc.Arbitrary<TreeModel> = fc
  .tuple(
    fc.array(fc.nat(MAX_DEPTH).chain(sprout), { maxLength: 5 }),
    fc.double({ min: -2, max: 2, noNaN: true }),
  )
  .map(([roots, base]) => ({
    model: 'churn',
    link: 'logistic',
    scale: 1,
    offset: 0,
    base: Math.fround(base),
    features: [...FEATURE_NAMES],
    trees: roots.map(grow),
  }));

/** A vector of the layout; only the features that trees ask for vary. */
export const anyVector: fc.Arbitrary<Float32Array> = fc
  .array(
    fc.oneof(
      fc.constant(NaN),
      fc.constantFrom(...THRESHOLDS, Infinity, -Infinity),
      fc.float({ noNaN: true, min: -4, max: 9 }),
    ),
    { minLength: TREE_FEATURES, maxLength: TREE_FEATURES },
  )
  .map(values => {
    const vector = new Float32Array(FEATURE_NAMES.length);
    vector.set(values);
    return vector;
  });
