"""python -m rescore_trainer.contributions REGISTRY OUT [--vectors N --seed N]: XGBoost's own contributions.

What the TypeScript explanations are compared with. The trees of each artifact's trees.json are given back to XGBoost,
which computes `pred_contribs` by its own code. Without --vectors: of every sixth golden vector, as the JSON file that
the repository keeps. With --vectors: of N random ones, many on thresholds and many undefined, as

    OUT/<model>.vectors.f32        N x features, little-endian float32
    OUT/<model>.contributions.f32  N x (features + 1), the bias last
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xgboost

EVERY = 6
UNDEFINED, ON_THRESHOLD = 0.25, 0.3


def booster_of(model: dict) -> xgboost.Booster:
    """The trees as a booster whose answer is the margin; link and calibration are left out."""
    width = len(model["features"])
    parameters = {"objective": "reg:squarederror", "base_score": model["base"], "nthread": 1}
    empty = xgboost.train(parameters, xgboost.DMatrix(np.zeros((1, width)), label=[0.0]), num_boost_round=0)
    saved = json.loads(empty.save_raw("json").decode())
    forest = saved["learner"]["gradient_booster"]["model"]
    count = len(model["trees"])
    forest["trees"] = [_saved_tree(tree, number, width) for number, tree in enumerate(model["trees"])]
    forest["tree_info"] = [0] * count
    forest["iteration_indptr"] = list(range(count + 1))
    forest["gbtree_model_param"]["num_trees"] = str(count)
    return xgboost.Booster(model_file=bytearray(json.dumps(saved).encode()))


def _saved_tree(tree: dict, number: int, width: int) -> dict:
    size = len(tree["feature"])
    leaf = [feature < 0 for feature in tree["feature"]]
    parents = [2**31 - 1] * size
    for node in range(size):
        for child in () if leaf[node] else (tree["yes"][node], tree["no"][node]):
            parents[child] = node
    return {
        "id": number,
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(width),
            "num_nodes": str(size),
            "size_leaf_vector": "1",
        },
        "base_weights": tree["value"],
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [int(missing == yes and not end) for missing, yes, end in zip(tree["missing"], tree["yes"], leaf)],
        "left_children": tree["yes"],
        "loss_changes": [0.0] * size,
        "parents": parents,
        "right_children": tree["no"],
        "split_conditions": [value if end else limit for end, value, limit in zip(leaf, tree["value"], tree["threshold"])],
        "split_indices": [max(feature, 0) for feature in tree["feature"]],
        "split_type": [0] * size,
        "sum_hessian": tree["cover"],
    }


def contributions(model: dict, vectors: np.ndarray) -> np.ndarray:
    """Rows x (features + 1), in margin units, the bias last."""
    return booster_of(model).predict(xgboost.DMatrix(vectors), pred_contribs=True)


def hard_vectors(model: dict, count: int, seed: int) -> np.ndarray:
    """Values around the thresholds of each feature, some exactly on one, some undefined."""
    random = np.random.default_rng(seed)
    thresholds = [[0.0] for _ in model["features"]]
    for tree in model["trees"]:
        for feature, threshold in zip(tree["feature"], tree["threshold"]):
            if feature >= 0:
                thresholds[feature].append(threshold)
    columns = []
    for known in thresholds:
        exact = random.choice(np.array(known, dtype=np.float32), count)
        spread = np.float32(1 + max(known) - min(known))
        around = (exact + random.normal(size=count) * spread / 4).astype(np.float32)
        columns.append(np.where(random.random(count) < ON_THRESHOLD, exact, around))
    vectors = np.stack(columns, axis=1).astype(np.float32)
    vectors[random.random(vectors.shape) < UNDEFINED] = np.nan
    return vectors


def artifacts(registry: Path) -> list[tuple[str, Path]]:
    """Version and folder of the current artifact of each name."""
    pointers = [json.loads(path.read_text()) for path in sorted(registry.glob("*/current.json"))]
    return [(pointer["version"], registry / pointer["name"] / pointer["version"]) for pointer in pointers]


def _golden(folder: Path) -> np.ndarray:
    lines = [json.loads(line) for line in (folder / "golden.jsonl").read_text().splitlines()[::EVERY]]
    return np.array([[np.nan if value is None else value for value in line["x"]] for line in lines], dtype=np.float32)


def _frozen(version: str, folder: Path, model: dict) -> dict:
    rows = contributions(model, _golden(folder))
    by_name = [
        {name: float(f"{value:.7g}") for name, value in zip([*model["features"], "base"], row) if value != 0}
        for row in rows
    ]
    return {"model": model["model"], "version": version, "everyGoldenVector": EVERY, "rows": by_name}


def main() -> None:
    parser = argparse.ArgumentParser(prog="rescore_trainer.contributions", description=__doc__)
    parser.add_argument("registry", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vectors", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    frozen = []
    for version, folder in artifacts(arguments.registry):
        model = json.loads((folder / "trees.json").read_text())
        if arguments.vectors is None:
            frozen.append(_frozen(version, folder, model))
            continue
        vectors = hard_vectors(model, arguments.vectors, arguments.seed)
        arguments.out.mkdir(parents=True, exist_ok=True)
        vectors.astype("<f4").tofile(arguments.out / f"{model['model']}.vectors.f32")
        contributions(model, vectors).astype("<f4").tofile(arguments.out / f"{model['model']}.contributions.f32")
    if arguments.vectors is None:
        arguments.out.write_text("\n".join(["[", ",\n".join(json.dumps(each) for each in frozen), "]"]) + "\n")


if __name__ == "__main__":
    main()
