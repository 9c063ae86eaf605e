"""The first trees of a model: they repeat what a model of counts expects, and the labels correct it.

A label is one draw (came or not, this or that revenue); what BG/NBD expects of the same history is a smooth function of
it without that noise, and right in its main lines. Trees that begin with it spend the labels on what it does not know.
The sum of both is a sum of trees, so every answer is explained. BG/NBD sees histories alone; labels give amounts their total and no more.
"""

from typing import Callable

import numpy as np
import xgboost

from ..baselines import LTV_DAYS
from ..bgnbd import Histories, fit_bgnbd
from ..dataset import Rows
from ..order_baseline import fit_orders, newest
from .family import Question

#: Of the label of engagement and churn.
ACTIVITY_DAYS = 30
#: What activity is counted over, the growing part of today included.
WINDOW_DAYS = 90.5
DAYS_A_MONTH = 30.4
NEEDED = ("active_days_last_90_days", "last_login_days_ago", "tenure_months")
#: Where fewer than so many customers came twice the likelihood is flat.
FEWEST_ACTIVE = 100
SURE = 1e-3
SHAPE = {
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.2,
    "min_child_weight": 5,
    "subsample": 0.8,
    "lambda": 1.0,
    "nthread": 1,
}

Expected = Callable[[np.ndarray, list[str]], np.ndarray]


def opening_trees(question: Question, rows: Rows, trees: int) -> xgboost.Booster | None:
    """None without trees, and where the histories say too little."""
    expected = expectation(question, rows) if trees > 0 else None
    if expected is None:
        return None
    objective = "reg:tweedie" if question.model == "ltv" else "reg:logistic"
    settings = {**SHAPE, "objective": objective, "seed": question.seed}
    matrix = xgboost.DMatrix(rows.vectors, label=expected, weight=rows.weight, nthread=1)
    return xgboost.train(settings, matrix, num_boost_round=trees)


def expectation(question: Question, rows: Rows) -> np.ndarray | None:
    """What a model of counts expects of the label of each row, in the label's unit."""
    return _of_orders(question, rows) if question.model == "ltv" else _of_activity(question, rows)


def _of_orders(question: Question, rows: Rows) -> np.ndarray | None:
    model = fit_orders(rows, question.features)
    if model is None:
        return None
    expected = model.expected_revenue(rows.vectors, question.features, LTV_DAYS)
    if not np.isfinite(expected).all() or expected.sum() <= 0:
        return None
    return expected * (np.average(rows.label, weights=rows.weight) / np.average(expected, weights=rows.weight))


def _of_activity(question: Question, rows: Rows) -> np.ndarray | None:
    """BG/NBD over the days with activity of the last 90, as though the customer were new when they began."""
    if any(name not in question.features for name in NEEDED):
        return None
    seen = activity_histories(rows.vectors, question.features)
    recent = seen.where(newest(rows))
    if np.count_nonzero(recent.repeats > 0) < FEWEST_ACTIVE:
        return None
    try:
        model = fit_bgnbd(recent)
    except ValueError:
        return None
    if question.model == "churn":
        expected = model.no_order(seen, ACTIVITY_DAYS)
    else:
        expected = model.expected_orders(seen, ACTIVITY_DAYS) / ACTIVITY_DAYS
    return np.clip(expected, SURE, 1 - SURE) if np.isfinite(expected).all() else None


def activity_histories(vectors: np.ndarray, features: list[str]) -> Histories:
    days, last, months = (vectors[:, features.index(name)].astype(float) for name in NEEDED)
    last = np.nan_to_num(last, nan=WINDOW_DAYS)
    age = np.clip(np.nan_to_num(months) * DAYS_A_MONTH + DAYS_A_MONTH / 2, np.minimum(last + 1, WINDOW_DAYS), WINDOW_DAYS)
    recency = np.clip(age - last, 0, age)
    came = (recency > 0) & (days > 0)
    return Histories(np.where(came, days, 0.0), np.where(came, recency, 0.0), age)
