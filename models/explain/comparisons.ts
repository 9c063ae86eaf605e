/**
 * The outcomes of all comparisons of a model, feature by feature instead of tree by tree. A value goes to `yes` where
 * it is below the threshold: so the comparisons of a feature are walked from the largest threshold down, and the walk
 * ends at the first that the value is not below. No step depends on a guess of the processor, unlike node by node.
 *
 * Source: C. Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression
 * trees", SIGIR 2015, for the order of the walk; we set bits of outcomes where it clears bits of leaves.
 */
import type { Tree } from './trees';

/** Nodes that compare; their place in the list is their bit in the tree's outcomes. */
export const splitsOf = (tree: Tree): number[] =>
  tree.feature.flatMap((feature, node) => (feature < 0 ? [] : [node]));

interface Comparison {
  feature: number;
  threshold: number;
  tree: number;
  mask: number;
  missingYes: boolean;
}

export class Comparisons {
  /** Of each feature that is asked for: where its comparisons end, and where those that send NaN to `yes` do. */
  private readonly features: Int32Array;
  private readonly ends: Int32Array;
  private readonly missingEnds: Int32Array;
  private readonly threshold: Float64Array;
  private readonly tree: Int32Array;
  private readonly mask: Int32Array;
  private readonly missingTree: Int32Array;
  private readonly missingMask: Int32Array;

  constructor(trees: readonly Tree[]) {
    const all = trees
      .flatMap(comparisonsOf)
      .sort((a, b) => a.feature - b.feature || b.threshold - a.threshold);
    const missing = all.filter(({ missingYes }) => missingYes);
    const features = [...new Set(all.map(({ feature }) => feature))];
    const endOf = (list: readonly Comparison[], feature: number): number =>
      1 + list.findLastIndex(each => each.feature <= feature);
    this.features = Int32Array.from(features);
    this.ends = Int32Array.from(features, feature => endOf(all, feature));
    this.missingEnds = Int32Array.from(features, feature => endOf(missing, feature));
    this.threshold = Float64Array.from(all, each => each.threshold);
    this.tree = Int32Array.from(all, each => each.tree);
    this.mask = Int32Array.from(all, each => each.mask);
    this.missingTree = Int32Array.from(missing, each => each.tree);
    this.missingMask = Int32Array.from(missing, each => each.mask);
  }

  /** Writes the outcomes of each tree for the vector that begins at `at`: a bit is set where it goes to `yes`. */
  outcomes(vectors: Float32Array, at: number, out: Int32Array): void {
    const { features, ends, missingEnds, threshold, tree, mask, missingTree, missingMask } = this;
    out.fill(0);
    for (let index = 0, from = 0, missingFrom = 0; index < features.length; index++) {
      const value = vectors[at + features[index]!]!;
      const end = ends[index]!;
      const missingEnd = missingEnds[index]!;
      if (value !== value)
        for (let k = missingFrom; k < missingEnd; k++) out[missingTree[k]!]! |= missingMask[k]!;
      else for (let k = from; k < end && threshold[k]! > value; k++) out[tree[k]!]! |= mask[k]!;
      from = end;
      missingFrom = missingEnd;
    }
  }
}

const comparisonsOf = (tree: Tree, number: number): Comparison[] =>
  splitsOf(tree).map((node, bit) => ({
    feature: tree.feature[node]!,
    threshold: tree.threshold[node]!,
    tree: number,
    mask: 1 << bit,
    missingYes: tree.missing[node] === tree.yes[node],
  }));
