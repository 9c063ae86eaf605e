"""One ensemble of boosted trees: few, shallow, deterministic. What families are built from."""

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import xgboost

from ..calibrate import balance
from ..dataset import Rows
from .family import Parameters

MOST_TREES = 200
#: Trees without a better inner loss before the search of their number ends.
PATIENCE = 40
SHARED: Parameters = {
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.1,
    "min_child_weight": 20,
    "subsample": 0.9,
    # All columns for every tree: with a share of them, most trees of few would miss the two or three that matter.
    "colsample_bytree": 1.0,
    "lambda": 1.0,
}
#: Parameters of ours.
NOT_XGBOOSTS = ("trees", "opening")
EVALUATION = {"reg:tweedie": "tweedie-nloglik@{tweedie_variance_power}", "reg:gamma": "gamma-deviance"}


def matrix(rows: Rows, offset: np.ndarray | None = None, begun: xgboost.Booster | None = None) -> xgboost.DMatrix:
    """`offset` of the margins of trees that go on from `begun`, shape [N]."""
    found = xgboost.DMatrix(rows.vectors, label=rows.label, weight=rows.weight, nthread=1)
    if offset is not None and begun is not None:
        # A base margin takes the place of the base score.
        learner = json.loads(begun.save_config())["learner"]
        exponential = learner["objective"]["name"] == "reg:tweedie"
        found.set_base_margin(_base_margin(_base_score(learner), exponential) + offset)
    return found


def boost(
    parameters: Parameters,
    seed: int,
    rows: xgboost.DMatrix,
    stop_by: xgboost.DMatrix | None = None,
    begun: xgboost.Booster | None = None,
) -> xgboost.Booster:
    """`parameters["trees"]` trees, or at most MOST_TREES where `stop_by` says when it is enough; those of `begun` come
    first and are counted."""
    objective = str(parameters["objective"])
    already = 0 if begun is None else begun.num_boosted_rounds()
    if begun is not None and already >= MOST_TREES:
        return begun[:MOST_TREES]
    settings = {
        **{key: value for key, value in parameters.items() if key not in NOT_XGBOOSTS},
        "eval_metric": EVALUATION.get(objective, "logloss").format(**parameters),
        "seed": seed,
        # One thread adds up in one order: the same data and seed give the same trees.
        "nthread": 1,
    }
    if stop_by is None:
        return xgboost.train(settings, rows, num_boost_round=int(parameters["trees"]) - already, xgb_model=begun)
    booster = xgboost.train(
        settings,
        rows,
        num_boost_round=MOST_TREES - already,
        evals=[(stop_by, "choose")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
        xgb_model=begun,
    )
    return booster[: booster.best_iteration + 1]


@dataclass(frozen=True)
class Ensemble:
    """answer = link(scale * (base + sum of the leaves) + offset)."""

    booster: xgboost.Booster
    link: str
    #: Of the margin before the link; (1, 0) leaves it as it is.
    scale: float = 1.0
    offset: float = 0.0

    def margin(self, vectors: np.ndarray) -> np.ndarray:
        return self.booster.predict(xgboost.DMatrix(vectors, nthread=1), output_margin=True)

    def answers(self, vectors: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """XGBoost's own margin, then scaling and link in double precision: what a runtime must answer. `offset`: of the
        rows' own margins, where they are compared with labels."""
        margin = self.margin(vectors).astype(float) + (0.0 if offset is None else offset)
        margin = margin * self.scale + self.offset
        return np.exp(margin) if self.link == "exp" else 1 / (1 + np.exp(-margin))

    def balanced(self, rows: Rows, offset: np.ndarray | None = None) -> "Ensemble":
        """The same trees with the sum of answers that the labels of `rows` have; for the link exp."""
        return replace(self, offset=self.offset + balance(self.answers(rows.vectors, offset), rows.label, rows.weight))

    def described(self, name: str, features: list[str]) -> dict:
        """trees.json: `x[feature] < threshold` goes to `yes`, otherwise `no`, NaN to `missing`; a leaf has feature -1."""
        learner = json.loads(self.booster.save_raw("json").decode())["learner"]
        margin = _base_margin(_base_score(learner), self.link == "exp")
        return {
            "model": name,
            "link": self.link,
            "scale": self.scale,
            "offset": self.offset,
            "base": float(np.float32(margin)),
            "features": features,
            "trees": [_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]],
        }

    def gain(self, features: list[str]) -> dict[str, float]:
        gains = self.booster.get_score(importance_type="total_gain")
        return {features[int(key[1:])]: float(gain) for key, gain in gains.items()}


def _base_score(learner: dict) -> float:
    return float(learner["learner_model_param"]["base_score"].strip("[]"))


def _base_margin(score: float, exponential: bool) -> float:
    return math.log(score) if exponential else math.log(score / (1 - score))


def splits_of(model: dict) -> list[tuple[int, float]]:
    return [
        (feature, threshold)
        for tree in model["trees"]
        for feature, threshold in zip(tree["feature"], tree["threshold"])
        if feature >= 0
    ]


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
