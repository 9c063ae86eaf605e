"""Fitting, and the fitted model as plain arrays."""

import json
import math
import zlib
from dataclasses import dataclass

import numpy as np
import xgboost

from .calibrate import platt
from .dataset import Rows
from .specification import SHARED, Specification


@dataclass(frozen=True)
class Fitted:
    specification: Specification
    booster: xgboost.Booster
    #: Of the margin before the link; (1, 0) leaves it as it is.
    scale: float
    offset: float

    def margin(self, vectors: np.ndarray) -> np.ndarray:
        return self.booster.predict(xgboost.DMatrix(vectors), output_margin=True)

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """XGBoost's own margin, then scaling and link in double precision: what a runtime must answer."""
        margin = self.margin(vectors).astype(float) * self.scale + self.offset
        answer = np.exp(margin) if self.specification.link == "exp" else 1 / (1 + np.exp(-margin))
        return answer.astype(np.float32)


def fit(specification: Specification, rows: Rows, seed: int) -> Fitted:
    parameters = {
        **SHARED,
        **specification.parameters,
        "objective": specification.objective,
        "seed": seed,
        # One thread adds up in one order: the same data and seed give the same trees.
        "nthread": 1,
    }
    held = _calibration_rows(specification, rows, seed)
    trees = rows.where(~held)
    booster = xgboost.train(
        parameters, xgboost.DMatrix(trees.vectors, label=trees.label), num_boost_round=specification.trees
    )
    fitted = Fitted(specification, booster, 1.0, 0.0)
    if not held.any():
        return fitted
    kept = rows.where(held)
    return Fitted(specification, booster, *platt(fitted.margin(kept.vectors), kept.label))


def _calibration_rows(specification: Specification, rows: Rows, seed: int) -> np.ndarray:
    """Whole customers: the margin of a customer whom the trees know is too sure of itself."""
    customers = np.unique(rows.customers)
    chosen = [
        zlib.crc32(f"{seed}/{customer}".encode()) / 2**32 < specification.calibration_share for customer in customers
    ]
    return np.isin(rows.customers, customers[np.array(chosen, dtype=bool)])


def trees_of(fitted: Fitted, features: list[str]) -> dict:
    """`x[feature] < threshold` goes to `yes`, otherwise `no`, NaN to `missing`; a leaf has feature -1 and a value.

    answer = link(scale * (base + sum of the leaves) + offset).
    """
    specification = fitted.specification
    learner = json.loads(fitted.booster.save_raw("json").decode())["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    margin = math.log(base) if specification.link == "exp" else math.log(base / (1 - base))
    return {
        "model": specification.name,
        "link": specification.link,
        "scale": fitted.scale,
        "offset": fitted.offset,
        "base": float(np.float32(margin)),
        "features": features,
        "trees": [_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]],
    }


def _tree(tree: dict) -> dict:
    left, right = tree["left_children"], tree["right_children"]
    leaf = [child == -1 for child in left]
    single = [float(np.float32(value)) for value in tree["split_conditions"]]
    return {
        "feature": [-1 if end else index for end, index in zip(leaf, tree["split_indices"])],
        "threshold": [0.0 if end else value for end, value in zip(leaf, single)],
        "yes": left,
        "no": right,
        "missing": [
            -1 if end else (yes if default else no)
            for end, yes, no, default in zip(leaf, left, right, tree["default_left"])
        ],
        "value": [value if end else 0.0 for end, value in zip(leaf, single)],
        "cover": [float(np.float32(value)) for value in tree["sum_hessian"]],
    }
