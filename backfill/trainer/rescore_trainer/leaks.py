"""A feature that answers the question by itself has seen the answer."""

import numpy as np

from .dataset import Rows
from .metrics import auc, ranks

MOST_AUC, MOST_R2 = 0.98, 0.95
FEWEST_ROWS = 100


class LeakError(Exception):
    """Names the features; the dataset must be corrected."""


def refuse_leaks(model: str, rows: Rows, features: list[str]) -> None:
    leaks = find_leaks(rows, features)
    if leaks:
        raise LeakError(f"{model}: {', '.join(leaks)} alone give the label away. Correct the dataset.")


def find_leaks(rows: Rows, features: list[str]) -> list[str]:
    """Names of features that alone reach AUC > 0.98 on a label of two classes, or R2 > 0.95 with its values or ranks.

    Judged on the rows that know the feature, and on all rows with "undefined" as the smallest value.
    """
    classes = np.isin(rows.label, [0, 1]).all()
    leaks = []
    for column, name in enumerate(features):
        values = rows.vectors[:, column].astype(float)
        known = ~np.isnan(values)
        if not known.any():
            continue
        filled = np.where(known, values, values[known].min() - 1)
        if _tells(rows.label[known], values[known], classes) or _tells(rows.label, filled, classes):
            leaks.append(name)
    return leaks


def _tells(label: np.ndarray, values: np.ndarray, classes: bool) -> bool:
    if len(label) < FEWEST_ROWS or len(np.unique(label)) < 2 or len(np.unique(values)) < 2:
        return False
    if classes:
        alone = auc(label, values)
        return max(alone, 1 - alone) > MOST_AUC
    plain = np.corrcoef(values, label)[0, 1] ** 2
    ordered = np.corrcoef(ranks(values), ranks(label))[0, 1] ** 2
    return bool(max(plain, ordered) > MOST_R2)
