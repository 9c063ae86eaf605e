"""Numbers that are frozen into the manifest: bounds of RFM, the vip line, quantiles that drift is measured against."""

import numpy as np

from .fit import Fitted
from .dataset import Rows

QUANTILES = np.linspace(0, 1, 21)
BOUNDS = [1, 99]
VIP_SHARE = 0.9


def normalisation(rows: Rows, features: list[str], fitted: Fitted) -> dict:
    """Bounds are the 1st and 99th percentile over customers who ordered (sessions: over all), ltv's top decile."""
    column = {name: rows.vectors[:, index].astype(float) for index, name in enumerate(features)}
    ordered = column["orders_lifetime"] > 0
    bounds = {
        "daysSinceLastOrder": column["days_since_last_order"][ordered],
        "ordersLifetime": column["orders_lifetime"][ordered],
        "sessionsLast30Days": column["sessions_last_30_days"],
        "lnRevenueLifetime": np.log1p(column["revenue_lifetime"][ordered]),
    }
    ltv = column["revenue_lifetime"] + fitted.predict(rows.vectors)
    return {
        "rfm": {name: _bounds(values) for name, values in bounds.items()},
        "vipLtvMinor": int(round(100 * float(np.quantile(ltv, VIP_SHARE)))),
    }


def _bounds(values: np.ndarray) -> dict[str, float]:
    low, high = np.percentile(values, BOUNDS)
    if not low < high:
        raise ValueError("an RFM bound has no width: the dataset has too few orders")
    return {"min": round(float(low), 6), "max": round(float(high), 6)}


def quantiles(rows: Rows, features: list[str], fitted: Fitted) -> dict:
    return {
        "score": _quantiles(fitted.predict(rows.vectors)),
        "features": {name: _feature(rows.vectors[:, column]) for column, name in enumerate(features)},
    }


def _feature(values: np.ndarray) -> dict:
    known = values[~np.isnan(values)]
    share = round(float(1 - len(known) / len(values)), 6)
    return {"undefinedShare": share, "values": _quantiles(known) if len(known) else []}


def _quantiles(values: np.ndarray) -> list[float]:
    return [float(f"{value:.7g}") for value in np.quantile(values.astype(float), QUANTILES)]
