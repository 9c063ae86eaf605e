"""A feature that answers the question by itself has seen the answer."""

import numpy as np

from .dataset import Rows
from .errors import TrainingError
from .metrics import auc, ranks, value_of

MOST = {"auc": 0.98, "r2": 0.95}
FEWEST_ROWS = 100
STRONGEST = 5


class LeakError(TrainingError):
    """Names the features; the dataset must be corrected."""


def strengths(rows: Rows, features: list[str]) -> list[dict]:
    """Features by how much of the label each tells alone, the strongest first: {feature, measure, value}.

    AUC (whichever direction) of labels of two classes, R2 of values or of ranks of others; judged on the rows that know
    the feature, and on all rows with "undefined" as the smallest value.
    """
    measure = "auc" if np.isin(rows.label, [0, 1]).all() else "r2"
    found = []
    for column, name in enumerate(features):
        values = rows.vectors[:, column].astype(float)
        known = ~np.isnan(values)
        if not known.any():
            continue
        filled = np.where(known, values, values[known].min() - 1)
        of_known = 0.0 if known.all() else _alone(rows.label[known], values[known], measure)
        strength = max(_alone(rows.label, filled, measure), of_known)
        found.append({"feature": name, "measure": measure, "value": round(float(strength), 6)})
    return sorted(found, key=lambda each: -each["value"])


def refuse_leaks(model: str, found: list[dict]) -> None:
    """Raises LeakError when one feature alone is above AUC 0.98 or R2 0.95."""
    leaks = [each["feature"] for each in found if each["value"] > MOST[each["measure"]]]
    if leaks:
        raise LeakError(
            f"{model}: {', '.join(leaks)} alone give the label away. Correct the features, then write the dataset again."
        )


def _alone(label: np.ndarray, values: np.ndarray, measure: str) -> float:
    if len(label) < FEWEST_ROWS or (label == label[0]).all() or (values == values[0]).all():
        return 0.5 if measure == "auc" else 0.0
    if measure == "auc":
        alone = value_of(auc, label, values)
        return max(alone, 1 - alone)
    plain = np.corrcoef(values, label)[0, 1] ** 2
    ordered = np.corrcoef(ranks(values), ranks(label))[0, 1] ** 2
    return max(plain, ordered)
