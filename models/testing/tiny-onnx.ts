/**
 * A writer of very small ONNX models, so that tests need neither Python nor files: one TreeEnsembleRegressor of
 * decision stumps. Field numbers are those of onnx.proto3 of the ONNX project.
 */
type Bytes = number[];

export const varint = (value: number): Bytes => {
  const out: Bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) + 128);
  out.push(value);
  return out;
};
export const message = (field: number, content: Bytes): Bytes => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): Bytes => message(field, [...Buffer.from(value)]);
export const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const floats = (field: number, values: readonly number[]): Bytes =>
  message(field, [...new Uint8Array(Float32Array.from(values).buffer)]);
const integers = (field: number, values: readonly number[]): Bytes => message(field, values.flatMap(varint));

const attribute = {
  integers: (name: string, values: readonly number[]) =>
    message(5, [...text(1, name), ...integers(8, values), ...integer(20, 7)]),
  floats: (name: string, values: readonly number[]) =>
    message(5, [...text(1, name), ...floats(7, values), ...integer(20, 6)]),
  text: (name: string, value: string) => message(5, [...text(1, name), ...text(4, value), ...integer(20, 3)]),
  texts: (name: string, values: readonly string[]) =>
    message(5, [...text(1, name), ...values.flatMap(value => text(9, value)), ...integer(20, 8)]),
  number: (name: string, value: number) =>
    message(5, [...text(1, name), ...integer(3, value), ...integer(20, 2)]),
};

const FLOAT = 1;
/** float32[rows, columns] */
const valueInfo = (field: number, name: string, columns: number): Bytes => {
  const shape = message(2, [...message(1, text(2, 'rows')), ...message(1, integer(1, columns))]);
  return message(field, [...text(1, name), ...message(2, message(1, [...integer(1, FLOAT), ...shape]))]);
};

/** `x[feature] < threshold`, NaN goes with the true side. */
export interface Stump {
  feature: number;
  threshold: number;
  below: number;
  above: number;
}

export interface TinyModel {
  width: number;
  stumps: readonly Stump[];
  base?: number;
  logistic?: boolean;
  /** A margin that overflows single precision answers NaN: no number of the file is one. */
  overflowIsNaN?: boolean;
  /** Deviations for tests of refusals. */
  input?: string;
  output?: string;
  domain?: string;
  operator?: string;
  /** Bytes appended to the graph, to the model. */
  graphExtra?: Bytes;
  modelExtra?: Bytes;
}

function treeNode({ stumps, base = 0, ...model }: TinyModel, output: string): Bytes {
  const nodes = stumps.flatMap((stump, tree) => [
    { tree, node: 0, mode: 'BRANCH_LT', value: stump.threshold, feature: stump.feature },
    { tree, node: 1, mode: 'LEAF', value: 0, feature: 0 },
    { tree, node: 2, mode: 'LEAF', value: 0, feature: 0 },
  ]);
  const branch = (node: { node: number }, to: number): number => (node.node === 0 ? to : 0);
  return [
    ...text(1, model.input ?? 'features'),
    ...text(2, output),
    ...text(4, model.operator ?? 'TreeEnsembleRegressor'),
    ...text(7, model.domain ?? 'ai.onnx.ml'),
    ...attribute.number('n_targets', 1),
    ...attribute.floats('base_values', [base]),
    ...attribute.integers(
      'nodes_treeids',
      nodes.map(n => n.tree),
    ),
    ...attribute.integers(
      'nodes_nodeids',
      nodes.map(n => n.node),
    ),
    ...attribute.integers(
      'nodes_featureids',
      nodes.map(n => n.feature),
    ),
    ...attribute.texts(
      'nodes_modes',
      nodes.map(n => n.mode),
    ),
    ...attribute.floats(
      'nodes_values',
      nodes.map(n => n.value),
    ),
    ...attribute.integers(
      'nodes_truenodeids',
      nodes.map(n => branch(n, 1)),
    ),
    ...attribute.integers(
      'nodes_falsenodeids',
      nodes.map(n => branch(n, 2)),
    ),
    ...attribute.integers(
      'nodes_missing_value_tracks_true',
      nodes.map(n => branch(n, 1)),
    ),
    ...attribute.integers(
      'target_treeids',
      stumps.flatMap((_stump, tree) => [tree, tree]),
    ),
    ...attribute.integers(
      'target_nodeids',
      stumps.flatMap(() => [1, 2]),
    ),
    ...attribute.integers(
      'target_ids',
      stumps.flatMap(() => [0, 0]),
    ),
    ...attribute.floats(
      'target_weights',
      stumps.flatMap(stump => [stump.below, stump.above]),
    ),
  ];
}

/** Two leaves whose sum overflows, for rows at or above `threshold`. */
export const overflowingAbove = (feature: number, threshold: number): Stump[] =>
  Array.from({ length: 2 }, () => ({ feature, threshold, below: 0, above: 3e38 }));

const operator = (name: string, inputs: readonly string[], output: string): Bytes =>
  message(1, [...inputs.flatMap(input => text(1, input)), ...text(2, output), ...text(4, name)]);

/** The nodes of the graph, from the features to the output. */
function nodesOf(model: TinyModel, output: string): Bytes {
  const links: ((from: string, to: string) => Bytes)[] = [];
  if (model.overflowIsNaN === true)
    links.push((from, to) => [
      ...operator('Sub', [from, from], 'nothing'),
      ...operator('Add', [from, 'nothing'], to),
    ]);
  // The runtime leaves out a regressor's own logistic transform, so it is an operator of the graph.
  if (model.logistic === true) links.push((from, to) => operator('Sigmoid', [from], to));
  const name = (step: number): string => (step === links.length ? output : `margin ${step}`);
  return [
    ...message(1, treeNode(model, name(0))),
    ...links.flatMap((link, step) => link(name(step), name(step + 1))),
  ];
}

export function tinyOnnx(model: TinyModel): Uint8Array {
  const output = model.output ?? 'score';
  const graph = [
    ...nodesOf(model, output),
    ...text(2, 'tiny'),
    ...valueInfo(11, model.input ?? 'features', model.width),
    ...valueInfo(12, output, 1),
    ...(model.graphExtra ?? []),
  ];
  const domain = model.domain ?? 'ai.onnx.ml';
  return Uint8Array.from([
    ...integer(1, 8),
    ...message(7, graph),
    ...message(8, [...text(1, ''), ...integer(2, 15)]),
    ...message(8, [...text(1, domain), ...integer(2, 1)]),
    ...(model.modelExtra ?? []),
  ]);
}

/** A tensor of one float whose bytes are said to lie in the file `location`, as an initializer of the graph. */
export const externalTensor = (location: string): Bytes =>
  message(5, [
    ...integers(1, [1]),
    ...integer(2, FLOAT),
    ...text(8, 'outside'),
    ...message(13, [...text(1, 'location'), ...text(2, location)]),
    ...integer(14, 1),
  ]);

/** What a tiny model answers, in single precision. */
export function tinyAnswer(model: TinyModel, x: Float32Array): number {
  const { stumps, base = 0, logistic = false, overflowIsNaN = false } = model;
  let margin = Math.fround(base);
  for (const { feature, threshold, below, above } of stumps)
    margin = Math.fround(margin + Math.fround(x[feature]! >= Math.fround(threshold) ? above : below));
  if (overflowIsNaN && !Number.isFinite(margin)) return NaN;
  return Math.fround(logistic ? 1 / (1 + Math.exp(-margin)) : margin);
}
