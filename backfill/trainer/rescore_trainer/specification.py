"""What is fitted: one entry per model. Trees stay few and shallow, every event pays for them."""

from dataclasses import dataclass

SHARED = {
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.11,
    "min_child_weight": 20,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "lambda": 2.0,
}
TREES = 60


@dataclass(frozen=True)
class Specification:
    name: str
    objective: str
    #: From the margin (sum of the leaves) to the answer.
    link: str
    parameters: dict
    #: Share of the training customers that fit a Platt scaling of the margin instead of trees; 0 for none.
    calibration_share: float = 0.0
    trees: int = TREES


SPECIFICATIONS = [
    Specification("engagement", "reg:logistic", "logistic", {}),
    Specification("churn", "binary:logistic", "logistic", {}, calibration_share=0.2),
    Specification(
        "ltv",
        "reg:tweedie",
        "exp",
        # A power near 1 keeps the sum of the predictions near the sum of the revenue; larger ones fall short.
        {"tweedie_variance_power": 1.05, "min_child_weight": 500, "max_depth": 3, "eta": 0.1},
        trees=100,
    ),
]
BY_NAME = {specification.name: specification for specification in SPECIFICATIONS}
