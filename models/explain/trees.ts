/**
 * trees.json: the trees behind a model.onnx, in the words of the trainer (backfill/trainer, `trees_of`):
 * `x[feature] < threshold` goes to `yes`, otherwise to `no`, NaN to `missing`; a leaf has feature -1 and a value.
 * `cover` is the sum of the training rows' hessians that came through a node: what an absent feature is averaged by.
 *
 *     margin = base + sum of the leaves;   answer = link(scale * margin + offset)
 */
import { z } from 'zod';
import { FEATURE_NAMES } from '../../processors/core';
import { ArtifactError } from '../errors';
import { GOLDEN_TOLERANCE } from '../registry/golden';
import type { GoldenVectors } from '../registry/golden';

/** The outcomes of a tree's comparisons are the bits of one integer (models/explain/tree-shap.ts). */
export const MAX_DEPTH = 5;
const MAX_TREES = 2_000;

const index = z.int().min(-1);
const float32 = z
  .number()
  .refine(value => Math.fround(value) === value, { error: 'must be a float32 value' });
const treeSchema = z.strictObject({
  feature: z.array(index).min(1),
  threshold: z.array(float32),
  yes: z.array(index),
  no: z.array(index),
  missing: z.array(index),
  value: z.array(float32),
  cover: z.array(z.number().nonnegative()),
});
const modelSchema = z.strictObject({
  model: z.string(),
  link: z.enum(['logistic', 'exp']),
  scale: z.number(),
  offset: z.number(),
  base: float32,
  features: z.array(z.string()),
  trees: z.array(treeSchema).max(MAX_TREES),
});

export type Tree = Readonly<Record<keyof z.infer<typeof treeSchema>, readonly number[]>>;
export interface TreeModel extends Readonly<Omit<z.infer<typeof modelSchema>, 'trees'>> {
  readonly trees: readonly Tree[];
}

const malformed = (artifact: string, reason: string, cause?: unknown): ArtifactError =>
  new ArtifactError('trees-malformed', `${artifact}/trees.json`, reason, { cause });

/** Parses trees.json of the model `name` over the layout of this program. Throws `ArtifactError`. */
export function readTrees(text: string, name: string, artifact: string): TreeModel {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(artifact, 'it is not JSON', cause);
  }
  const parsed = modelSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw malformed(artifact, `${path.join('.') || 'it'}: ${message}`);
  }
  const model = parsed.data;
  if (model.model !== name) throw malformed(artifact, `it is of the model ${model.model.slice(0, 40)}`);
  if (model.features.join() !== FEATURE_NAMES.join())
    throw malformed(artifact, 'features: they are not those of the layout');
  model.trees.forEach((tree, number) => {
    const wrong = wrongWith(tree, model.features.length);
    if (wrong !== null) throw malformed(artifact, `trees.${number}: ${wrong}`);
  });
  return model;
}

/** What keeps the arrays from being one binary tree; null when nothing does. */
function wrongWith(tree: Tree, features: number): string | null {
  const size = tree.feature.length;
  for (const [part, values] of Object.entries(tree))
    if (values.length !== size) return `${part} has ${values.length} values for ${size} nodes`;
  const seen = new Set<number>();
  const walk = (node: number, depth: number): string | null => {
    if (node < 0 || node >= size || seen.has(node)) return `node ${node} is outside or has two parents`;
    seen.add(node);
    const feature = tree.feature[node]!;
    if (feature < 0) return null;
    if (feature >= features) return `node ${node} asks for feature ${feature} of ${features}`;
    if (depth === MAX_DEPTH) return `it is deeper than ${MAX_DEPTH}`;
    const [yes, no, missing] = [tree.yes[node]!, tree.no[node]!, tree.missing[node]!];
    if (missing !== yes && missing !== no) return `node ${node} sends NaN to ${missing}, which is no child`;
    if (!(tree.cover[node]! > 0)) return `node ${node} splits and has no cover`;
    return walk(yes, depth + 1) ?? walk(no, depth + 1);
  };
  return walk(0, 0) ?? (seen.size === size ? null : `${size - seen.size} nodes are not reached`);
}

/** Whether a value goes to `yes`. */
export const goesYes = (tree: Tree, node: number, value: number): boolean =>
  value < tree.threshold[node]! || (value !== value && tree.missing[node] === tree.yes[node]);

/** Base and leaves summed in doubles, for the vector that begins at `at`. Before scale, offset and link. */
export function marginOf(model: TreeModel, vectors: Float32Array, at: number): number {
  let margin = model.base;
  for (const tree of model.trees) {
    let node = 0;
    while (tree.feature[node]! >= 0)
      node = goesYes(tree, node, vectors[at + tree.feature[node]!]!) ? tree.yes[node]! : tree.no[node]!;
    margin += tree.value[node]!;
  }
  return margin;
}

export function answerOf(model: TreeModel, margin: number): number {
  const scaled = model.scale * margin + model.offset;
  return model.link === 'exp' ? Math.exp(scaled) : 1 / (1 + Math.exp(-scaled));
}

/** The trees must be those of the model that scores: they answer its golden vectors. Throws `ArtifactError`. */
export function checkTrees(model: TreeModel, golden: GoldenVectors, artifact: string): void {
  const width = model.features.length;
  for (let row = 0; row < golden.rows; row++) {
    const expected = golden.outputs[row]!;
    const found = answerOf(model, marginOf(model, golden.inputs, row * width));
    // Written so that NaN fails.
    if (!(Math.abs(found - expected) <= GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected))))
      throw new ArtifactError(
        'trees-mismatch',
        `${artifact}/trees.json`,
        `golden vector ${row + 1} gives ${found}, the trainer says ${expected}`,
      );
  }
}
