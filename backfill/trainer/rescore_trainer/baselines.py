"""What anybody could answer without a model. A model that is not better than these is not worth its cost.

Each baseline is fitted on the training rows and answers in the label's unit, so that every metric can be asked of it.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np
from scipy.optimize import isotonic_regression

from .constants import rfm_bounds
from .dataset import Rows
from .errors import TrainingError
from .order_baseline import expected_revenue

#: What anybody would do without a model: the gate judges by it where the current model is of another feature layout.
NAMED = {"engagement": "recency", "churn": "recency", "ltv": "bgNbd"}
#: Horizon of the label (docs/backfill.md).
LTV_DAYS = 180

Column = Callable[[Rows], np.ndarray]
Answers = Callable[[Rows], np.ndarray]


@dataclass(frozen=True)
class Columns:
    """Columns of rows by their names."""

    features: list[str]

    def of(self, rows: Rows, name: str) -> np.ndarray:
        if name not in self.features:
            raise TrainingError(f"{name} is not a column of the dataset; a baseline needs it. Write the dataset again.")
        return rows.vectors[:, self.features.index(name)].astype(float)


def baselines(model: str, training: Rows, features: list[str]) -> dict[str, Answers]:
    """By name: `recency` (days since the last activity, or order for ltv), `rfm` (the rule's score), `lastValue`; for
    ltv also `bgNbd`, where there are orders enough."""
    columns = Columns(features)
    recency = "days_since_last_order" if model == "ltv" else "last_login_days_ago"
    found = {
        "recency": monotone(training, lambda rows: columns.of(rows, recency)),
        "rfm": monotone(training, _rfm(columns, training)),
        "lastValue": _last_value(model, columns, training),
    }
    orders = expected_revenue(training, features, LTV_DAYS) if model == "ltv" else None
    return found if orders is None else {**found, "bgNbd": orders}


def monotone(training: Rows, column: Column) -> Answers:
    """The mean label at each value of one column, never rising or never falling (isotonic regression); NaN apart."""
    values = column(training)
    known = ~np.isnan(values)
    everybody = float(np.average(training.label, weights=training.weight))
    unknown = float(np.average(training.label[~known], weights=training.weight[~known])) if not known.all() else everybody
    if not known.any():
        return lambda rows: np.full(len(rows), unknown)
    places, codes = np.unique(values[known], return_inverse=True)
    weight = np.bincount(codes, weights=training.weight[known])
    means = np.bincount(codes, weights=training.weight[known] * training.label[known]) / weight
    middle = np.average(places, weights=weight)
    rising = bool(np.sum(weight * (places - middle) * means) >= 0)
    fitted = isotonic_regression(means, weights=weight, increasing=rising).x

    def answers(rows: Rows) -> np.ndarray:
        asked = column(rows)
        return np.where(np.isnan(asked), unknown, np.interp(asked, places, fitted))

    return answers


def _rfm(columns: Columns, training: Rows) -> Column:
    """The score of processors/core/rfm.ts, with bounds of the training rows."""
    bounds = rfm_bounds(training, columns.features)

    def part(rows: Rows, feature: str, bound: str, through: Callable = lambda value: value) -> np.ndarray:
        low, high = bounds[bound]["min"], bounds[bound]["max"]
        return np.clip((through(np.nan_to_num(columns.of(rows, feature), nan=np.inf)) - low) / (high - low), 0, 1)

    def score(rows: Rows) -> np.ndarray:
        recency = 1 - part(rows, "days_since_last_order", "daysSinceLastOrder")
        orders = part(rows, "orders_lifetime", "ordersLifetime")
        sessions = part(rows, "sessions_last_30_days", "sessionsLast30Days")
        monetary = part(rows, "revenue_lifetime", "lnRevenueLifetime", np.log1p)
        return 0.4 * recency + 0.3 * (0.6 * orders + 0.4 * sessions) + 0.3 * monetary

    return score


def _last_value(model: str, columns: Columns, training: Rows) -> Answers:
    """Tomorrow is as yesterday: the past 30 days' share or silence, twice the revenue of the past 90 days."""
    if model == "ltv":
        return lambda rows: 2 * np.nan_to_num(columns.of(rows, "transaction_revenue_last_90_days"))

    def share(rows: Rows) -> np.ndarray:
        return np.clip(np.nan_to_num(columns.of(rows, "active_days_last_30_days")) / 30, 0, 1)

    if model == "engagement":
        return share
    # A chance, not 0 or 1: one surprise would make the log loss infinite.
    return monotone(training, lambda rows: (share(rows) == 0).astype(float))
