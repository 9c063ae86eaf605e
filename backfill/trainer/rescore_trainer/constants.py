"""Numbers that are frozen into the manifest: bounds of RFM, the vip line, quantiles that drift is measured against."""

import numpy as np

from .dataset import Rows
from .errors import TrainingError

QUANTILES = np.linspace(0, 1, 21)
BOUNDS = [1, 99]
VIP_SHARE = 0.9


def rfm_bounds(rows: Rows, features: list[str]) -> dict[str, dict[str, float]]:
    """The 1st and 99th percentile over rows of customers who ordered (sessions: over all)."""
    column = {
        name: _column(rows, features, name)
        for name in ("orders_lifetime", "days_since_last_order", "sessions_last_30_days", "revenue_lifetime")
    }
    ordered = column["orders_lifetime"] > 0
    bounds = {
        "daysSinceLastOrder": column["days_since_last_order"][ordered],
        "ordersLifetime": column["orders_lifetime"][ordered],
        "sessionsLast30Days": column["sessions_last_30_days"],
        "lnRevenueLifetime": np.log1p(column["revenue_lifetime"][ordered]),
    }
    return {name: _bounds(name, values) for name, values in bounds.items()}


def normalisation(rows: Rows, features: list[str], predicted: np.ndarray) -> dict:
    """RFM's bounds and the top decile of lifetime values. `predicted`: revenue to come of `rows`."""
    ltv = _column(rows, features, "revenue_lifetime") + predicted
    return {
        "rfm": rfm_bounds(rows, features),
        "vipLtvMinor": max(1, int(round(100 * float(np.quantile(ltv, VIP_SHARE))))),
    }


def _column(rows: Rows, features: list[str], name: str) -> np.ndarray:
    if name not in features:
        raise TrainingError(f"{name} is not a column of the dataset; RFM needs it. Write the dataset again.")
    return rows.vectors[:, features.index(name)].astype(float)


def _bounds(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(values, BOUNDS) if len(values) else (0.0, 0.0)
    if not low < high:
        raise TrainingError(
            f"the RFM bound {name} has no width: the dataset has too few orders. Take a longer archive or more customers."
        )
    return {"min": round(float(low), 6), "max": round(float(high), 6)}


def quantiles(rows: Rows, features: list[str], predicted: np.ndarray) -> dict:
    return {
        "score": _quantiles(predicted),
        "features": {name: _feature(rows.vectors[:, column]) for column, name in enumerate(features)},
    }


def _feature(values: np.ndarray) -> dict:
    known = values[~np.isnan(values)]
    share = round(float(1 - len(known) / len(values)), 6)
    return {"undefinedShare": share, "values": _quantiles(known) if len(known) else []}


def _quantiles(values: np.ndarray) -> list[float]:
    return [float(f"{value:.7g}") for value in np.quantile(values.astype(float), QUANTILES)]
