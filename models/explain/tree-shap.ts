/**
 * Exact, path-dependent TreeSHAP: how much each feature moved the margin of one vector away from the mean.
 *
 * What a leaf contributes (leaf-shares.ts) depends on the vector only by the outcomes of the comparisons on its path.
 * So leaves are taken together in twigs: a node two levels above the deepest leaf, with all that is below it. A twig
 * asks the comparisons on the path to it and its own three: 5 in a tree of depth 4. For each of their 32 outcomes its
 * contributions, a number per distinct feature, are computed when the model is loaded. To explain a vector is then: do
 * every comparison once (comparisons.ts), and for every twig add up to five numbers. Nothing is remembered from one
 * vector to the next, and the order of the additions is that of the trees.
 *
 * Tables per leaf instead of recursion: J. Yang, "Fast TreeSHAP", 2021 (arXiv:2109.09847). Twigs of leaves are ours.
 */
import { setImmediate } from 'node:timers/promises';
import { Comparisons, splitsOf } from './comparisons';
import { extended, followingOf, meanOf, sharesOf } from './leaf-shares';
import type { Leaf, Step } from './leaf-shares';
import type { Tree, TreeModel } from './trees';

const TWIG_LEVELS = 2;

/** Leaves whose contributions are looked up together. */
interface Twig {
  /** Bits of the comparisons that it depends on; the first is bit 0 of the row in the table. */
  bits: readonly number[];
  /** Distinct features, in the order of the layout. */
  features: readonly number[];
  /** `features.length` contributions for each outcome of the comparisons. */
  table: Float64Array;
}

/** Well below a millisecond. */
const TREES_A_TURN = 4;

interface CompiledTree {
  twigs: readonly Twig[];
  mean: number;
}

export class TreeShap {
  /** Margin of the mean: what the contributions are added to. */
  readonly base: number;
  readonly width: number;
  private readonly comparisons: Comparisons;
  private readonly outcomes: Int32Array;
  // All trees behind one another; `...Ends[tree]` is where the next tree's begin, and so for the parts of twigs.
  private readonly twigEnds: Int32Array;
  private readonly bits: Uint8Array;
  private readonly bitEnds: Int32Array;
  private readonly slots: Int32Array;
  private readonly slotEnds: Int32Array;
  private readonly tables: Float64Array;
  private readonly tableStarts: Int32Array;

  /** As the constructor, with the event loop free after every few trees: lanes work while a model is opened. */
  static async inTurns(model: TreeModel): Promise<TreeShap> {
    const trees: CompiledTree[] = [];
    for (const tree of model.trees) {
      trees.push(compile(tree));
      if (trees.length % TREES_A_TURN === 0) await setImmediate();
    }
    return new TreeShap(model, trees);
  }

  constructor(
    readonly model: TreeModel,
    trees: readonly CompiledTree[] = model.trees.map(compile),
  ) {
    this.width = model.features.length;
    this.comparisons = new Comparisons(model.trees);
    this.outcomes = new Int32Array(model.trees.length);
    this.base = trees.reduce((sum, { mean }) => sum + mean, model.base);
    const twigs = trees.flatMap(tree => tree.twigs);
    this.twigEnds = ends(trees.map(tree => tree.twigs.length));
    this.bits = Uint8Array.from(twigs.flatMap(twig => twig.bits));
    this.bitEnds = ends(twigs.map(twig => twig.bits.length));
    this.slots = Int32Array.from(twigs.flatMap(twig => twig.features));
    this.slotEnds = ends(twigs.map(twig => twig.features.length));
    const tableEnds = ends(twigs.map(({ table }) => table.length));
    this.tables = new Float64Array(tableEnds.at(-1) ?? 0);
    this.tableStarts = Int32Array.from(twigs, ({ table }, at) => tableEnds[at]! - table.length);
    twigs.forEach(({ table }, at) => this.tables.set(table, this.tableStarts[at]));
  }

  /** Writes the contributions of the vector that begins at `at` into `out` (`width` values, margin units). */
  explain(vectors: Float32Array, at: number, out: Float64Array): void {
    const { outcomes, twigEnds, bits, bitEnds, slots, slotEnds, tables, tableStarts } = this;
    this.comparisons.outcomes(vectors, at, outcomes);
    out.fill(0);
    let twig = 0;
    let bit = 0;
    let slot = 0;
    for (let tree = 0; tree < outcomes.length; tree++) {
      const outcome = outcomes[tree]!;
      for (; twig < twigEnds[tree]!; twig++) {
        let row = 0;
        for (let place = 0; bit < bitEnds[twig]!; place++, bit++)
          row |= ((outcome >> bits[bit]!) & 1) << place;
        const end = slotEnds[twig]!;
        for (let cell = tableStarts[twig]! + row * (end - slot); slot < end; slot++, cell++)
          out[slots[slot]!]! += tables[cell]!;
      }
    }
  }
}

function ends(lengths: readonly number[]): Int32Array {
  let end = 0;
  return Int32Array.from(lengths, length => (end += length));
}

const isLeaf = (tree: Tree, node: number): boolean => tree.feature[node]! < 0;

const depthOf = (tree: Tree, node = 0): number =>
  isLeaf(tree, node) ? 0 : 1 + Math.max(depthOf(tree, tree.yes[node]!), depthOf(tree, tree.no[node]!));

function compile(tree: Tree): CompiledTree {
  const splits = splitsOf(tree);
  const twigs: Twig[] = [];
  let mean = 0;
  const walk = (node: number, steps: readonly Step[], levels: number): void => {
    if (levels > 0 && !isLeaf(tree, node)) {
      for (const [child, next] of branches(tree, node, steps, splits)) walk(child, next, levels - 1);
      return;
    }
    const leaves = leavesBelow(tree, node, steps, splits);
    mean += leaves.reduce((sum, leaf) => sum + meanOf(leaf), 0);
    twigs.push(twigOf(leaves));
  };
  walk(0, [], depthOf(tree) - TWIG_LEVELS);
  return { twigs, mean };
}

/** Both children of a node that compares, with the steps of the path to them. */
function branches(
  tree: Tree,
  node: number,
  steps: readonly Step[],
  splits: readonly number[],
): [child: number, steps: readonly Step[]][] {
  const mask = 1 << splits.indexOf(node);
  const feature = tree.feature[node]!;
  const [yes, no] = [tree.yes[node]!, tree.no[node]!];
  const to = (child: number, wanted: number): [number, readonly Step[]] => [
    child,
    extended(steps, { feature, mask, wanted, zero: tree.cover[child]! / tree.cover[node]! }),
  ];
  return [to(yes, mask), to(no, 0)];
}

function leavesBelow(tree: Tree, node: number, steps: readonly Step[], splits: readonly number[]): Leaf[] {
  if (isLeaf(tree, node)) return [{ value: tree.value[node]!, steps }];
  return branches(tree, node, steps, splits).flatMap(([child, next]) =>
    leavesBelow(tree, child, next, splits),
  );
}

function twigOf(leaves: readonly Leaf[]): Twig {
  const steps = leaves.flatMap(leaf => leaf.steps);
  const mask = steps.reduce((set, step) => set | step.mask, 0);
  const bits = Array.from({ length: 32 }, (_bit, bit) => bit).filter(bit => (mask >> bit) & 1);
  const features = [...new Set(steps.map(({ feature }) => feature))].sort((a, b) => a - b);
  const shares = leaves.map(sharesOf);
  const places = leaves.map(leaf => leaf.steps.map(({ feature }) => features.indexOf(feature)));
  const table = new Float64Array((1 << bits.length) * features.length);
  for (let row = 0; row < 1 << bits.length; row++) {
    const outcomes = bits.reduce((set, bit, place) => set | (((row >> place) & 1) << bit), 0);
    leaves.forEach((leaf, at) => {
      const from = followingOf(leaf, outcomes) * leaf.steps.length;
      places[at]!.forEach(
        (place, step) => (table[row * features.length + place]! += shares[at]![from + step]!),
      );
    });
  }
  return { bits, features, table };
}
