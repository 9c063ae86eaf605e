/** Laws of the contributions, against Shapley's definition in nested loops. */
import fc from 'fast-check';
import { TREE_FEATURES, anyModel, anyVector } from '../testing/random-trees';
import { reasonsOf } from './reasons';
import { TreeShap } from './tree-shap';
import { goesYes, marginOf } from './trees';
import type { Tree, TreeModel } from './trees';

/** What a tree pays when only the features in `known` are known: the others go both ways, weighted by cover. */
function worth(tree: Tree, x: Float32Array, known: number, node = 0): number {
  const feature = tree.feature[node]!;
  if (feature < 0) return tree.value[node]!;
  const [yes, no] = [tree.yes[node]!, tree.no[node]!];
  if ((known >> feature) & 1) return worth(tree, x, known, goesYes(tree, node, x[feature]!) ? yes : no);
  return (
    (tree.cover[yes]! * worth(tree, x, known, yes) + tree.cover[no]! * worth(tree, x, known, no)) /
    tree.cover[node]!
  );
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
const membersOf = (set: number): number => set.toString(2).replaceAll('0', '').length;

/** Shapley values by definition: over every coalition of the features. */
function shapley(model: TreeModel, x: Float32Array): number[] {
  const players = TREE_FEATURES;
  const all = (set: number): number => model.trees.reduce((sum, tree) => sum + worth(tree, x, set), 0);
  const worths = Array.from({ length: 1 << players }, (_set, set) => all(set));
  return Array.from({ length: players }, (_player, player) => {
    let sum = 0;
    for (let set = 0; set < 1 << players; set++) {
      if ((set >> player) & 1) continue;
      const weight =
        (factorial(membersOf(set)) * factorial(players - membersOf(set) - 1)) / factorial(players);
      sum += weight * (worths[set | (1 << player)]! - worths[set]!);
    }
    return sum;
  });
}

function contributionsOf(shap: TreeShap, x: Float32Array): Float64Array {
  const out = new Float64Array(shap.width);
  shap.explain(x, 0, out);
  return out;
}
const near = (found: number, expected: number, scale: number): void =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, scale));

test("contributions are Shapley's values, whatever the trees and holes in the vector", () => {
  fc.assert(
    fc.property(anyModel, anyVector, (model, x) => {
      const shap = new TreeShap(model);
      const found = contributionsOf(shap, x);
      const expected = shapley(model, x);
      expected.forEach((value, feature) => near(found[feature]!, value, 1));
      expect([...found.subarray(TREE_FEATURES)].every(value => value === 0)).toBe(true);
      near(shap.base, model.base + model.trees.reduce((sum, tree) => sum + worth(tree, x, 0), 0), 1);
    }),
    { numRuns: 400 },
  );
});

test('base and contributions sum to the margin', () => {
  fc.assert(
    fc.property(anyModel, anyVector, (model, x) => {
      const shap = new TreeShap(model);
      const sum = contributionsOf(shap, x).reduce((total, value) => total + value, shap.base);
      near(sum, marginOf(model, x, 0), marginOf(model, x, 0));
    }),
    { numRuns: 1_000 },
  );
});

test('the same bits whatever was explained before', () => {
  fc.assert(
    fc.property(anyModel, fc.array(anyVector, { minLength: 1, maxLength: 400 }), (model, vectors) => {
      const kept = new TreeShap(model);
      vectors.forEach(x => contributionsOf(kept, x));
      for (const x of vectors.slice(0, 8))
        expect(contributionsOf(kept, x)).toEqual(contributionsOf(new TreeShap(model), x));
    }),
    { numRuns: 40 },
  );
});

test('reasons: the largest first, ties by the layout, and the sum of everything is the margin', () => {
  fc.assert(
    fc.property(anyModel, anyVector, fc.integer({ min: 0, max: 7 }), (model, x, largest) => {
      const shap = new TreeShap(model);
      const contributions = contributionsOf(shap, x);
      const expected = [...contributions.keys()]
        .filter(index => contributions[index] !== 0)
        .sort((a, b) => Math.abs(contributions[b]!) - Math.abs(contributions[a]!) || a - b)
        .slice(0, largest);
      const reasons = reasonsOf(shap, x, 0, largest);
      expect(reasons.slice(0, -2)).toEqual(
        expected.map(index => ({
          model: 'churn',
          feature: model.features[index],
          value: Number.isFinite(x[index]) ? x[index] : null,
          contribution: contributions[index],
        })),
      );
      expect(reasons.slice(-2).map(({ feature }) => feature)).toEqual(['remainder', 'base']);
      const sum = reasons.reduce((total, { contribution }) => total + contribution, 0);
      near(sum, marginOf(model, x, 0), marginOf(model, x, 0));
    }),
    { numRuns: 500 },
  );
});
