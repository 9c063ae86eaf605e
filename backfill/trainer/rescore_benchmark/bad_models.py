"""What models go wrong by, made of good ones, for `make bench-bad-models`.

    python -m rescore_benchmark.bad_models datasets DATASET OUT

leaves DATASET four times, with the label of churn spoilt: inverted.parquet (everywhere), inverted-training.parquet (in
training rows alone, so that the hold-out tells), by-class.parquet (nine in ten training rows of who stayed are gone,
as when classes are balanced and nobody sets the chances right again) and leak.parquet (a feature is the label).

    python -m rescore_benchmark.bad_models graphs MODEL DATASET OUT

leaves MODEL/model.onnx three times: nan.onnx (the leaf that most rows of DATASET reach gives NaN), hidden-nan.onnx (the
same among leaves that no golden vector reaches) and slow.onnx (the same answers after much work for nothing).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from rescore_trainer.export import OUTPUT

LABEL, SPLIT = "label_churn", "split_churn"
LEAKING = "page_views_last_30_days"
#: Of the rows of who stayed, this share is kept.
KEPT = 0.1
#: Products of a row with a matrix of this size, so many times: some hundred microseconds a row.
WIDTH, PRODUCTS = 512, 120


def datasets(dataset: Path, out: Path) -> None:
    table = parquet.read_table(dataset)
    label = table[LABEL].combine_chunks()
    other = compute.subtract(1.0, label)
    trains = compute.equal(table[SPLIT], "training").combine_chunks().fill_null(False)
    stayed = compute.and_(trains, compute.equal(label, 0.0).fill_null(False))
    drawn = pyarrow.array(np.random.default_rng(1).random(len(table)) < KEPT)
    known = compute.if_else(label.is_valid(), label.cast(pyarrow.float32()), table[LEAKING].combine_chunks())
    spoilt = {
        "inverted": _with(table, LABEL, other),
        "inverted-training": _with(table, LABEL, compute.if_else(trains, other, label)),
        "by-class": table.filter(compute.or_(compute.invert(stayed), drawn)),
        "leak": _with(table, LEAKING, known),
    }
    for name, changed in spoilt.items():
        parquet.write_table(changed, out / f"{name}.parquet")


def _with(table: pyarrow.Table, name: str, values: pyarrow.Array) -> pyarrow.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), values)


class Ensemble:
    """The trees of a graph as the arrays of its one TreeEnsembleRegressor."""

    def __init__(self, model: onnx.ModelProto):
        [self.node] = [node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor"]
        found = {each.name: onnx.helper.get_attribute_value(each) for each in self.node.attribute}
        if set(found["nodes_modes"]) != {b"BRANCH_LT", b"LEAF"}:
            raise ValueError(f"a tree compares by {sorted(set(found['nodes_modes']))}; only BRANCH_LT is known here.")
        names = list(zip(found["nodes_treeids"], found["nodes_nodeids"]))
        places = {name: place for place, name in enumerate(names)}
        self.roots = [place for (_tree, node), place in places.items() if node == 0]
        self.is_leaf = np.array([mode == b"LEAF" for mode in found["nodes_modes"]])
        self.feature = np.array(found["nodes_featureids"])
        self.threshold = np.array(found["nodes_values"], dtype=np.float32)
        self.missing = np.array(found["nodes_missing_value_tracks_true"], dtype=bool)
        ids = (found["nodes_truenodeids"], found["nodes_falsenodeids"])
        self.yes, self.no = (
            np.array([places[tree, child] for (tree, _node), child in zip(names, children)]) for children in ids
        )
        targets = zip(found["target_treeids"], found["target_nodeids"])
        self.target = {places[name]: place for place, name in enumerate(targets)}

    def reached(self, vectors: np.ndarray) -> np.ndarray:
        """How many of the vectors (N x features) reach each node that is a leaf."""
        counts = np.zeros(len(self.is_leaf), dtype=int)
        rows = np.arange(len(vectors))
        for root in self.roots:
            at = np.full(len(vectors), root)
            while not self.is_leaf[at].all():
                values = vectors[rows, self.feature[at]]
                goes = np.where(np.isnan(values), self.missing[at], values < self.threshold[at])
                at = np.where(self.is_leaf[at], at, np.where(goes, self.yes[at], self.no[at]))
            np.add.at(counts, at, 1)
        return counts

    def poison(self, leaf: int) -> None:
        [weights] = [each for each in self.node.attribute if each.name == "target_weights"]
        weights.floats[self.target[leaf]] = float("nan")


def with_nan(content: bytes, rows: np.ndarray, golden: np.ndarray | None) -> bytes:
    """The leaf that most rows reach gives NaN; with `golden`, of the leaves that none of those vectors reaches."""
    model = onnx.load_from_string(content)
    trees = Ensemble(model)
    counts = trees.reached(rows)
    if golden is not None:
        counts[trees.reached(golden) > 0] = 0
    if counts.max() == 0:
        raise ValueError("the golden vectors reach every leaf that rows reach: nothing can be hidden from them.")
    trees.poison(int(counts.argmax()))
    return model.SerializeToString(deterministic=True)


def slowed(content: bytes) -> bytes:
    """The same answers, bit by bit: they go as a row of WIDTH copies through products with the unit matrix."""
    model = onnx.load_from_string(content)
    graph, make = model.graph, onnx.helper.make_node
    graph.node[-1].output[0] = "answer"
    constants = {
        "copies": np.ones((1, WIDTH), np.float32),
        "unit": np.eye(WIDTH, dtype=np.float32),
        "first": np.array([0], np.int64),
    }
    graph.initializer.extend(onnx.numpy_helper.from_array(values, name) for name, values in constants.items())
    graph.node.append(make("MatMul", ["answer", "copies"], ["product_0"]))
    for number in range(PRODUCTS):
        graph.node.append(make("MatMul", [f"product_{number}", "unit"], [f"product_{number + 1}"]))
    graph.node.append(make("Gather", [f"product_{PRODUCTS}", "first"], [OUTPUT], axis=1))
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def graphs(model: Path, dataset: Path, out: Path) -> None:
    content = (model / "model.onnx").read_bytes()
    features = json.loads((model / "trees.json").read_text())["features"]
    lines = [json.loads(line)["x"] for line in (model / "golden.jsonl").read_text().splitlines()]
    golden = np.array([[np.nan if one is None else one for one in line] for line in lines], np.float32)
    table = parquet.read_table(dataset, columns=features)
    rows = np.column_stack([table[name].to_numpy().astype(np.float32) for name in features])
    (out / "nan.onnx").write_bytes(with_nan(content, rows, None))
    (out / "hidden-nan.onnx").write_bytes(with_nan(content, rows, golden))
    (out / "slow.onnx").write_bytes(slowed(content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for make, names in ((datasets, ("dataset", "out")), (graphs, ("model", "dataset", "out"))):
        command = commands.add_parser(make.__name__)
        command.set_defaults(make=make)
        for name in names:
            command.add_argument(name, type=Path)
    given = vars(parser.parse_args())
    make = given.pop("make")
    given["out"].mkdir(parents=True, exist_ok=True)
    make(**given)


if __name__ == "__main__":
    main()
