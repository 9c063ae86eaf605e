"""BG/NBD x Gamma-Gamma over order histories: a baseline of ltv, and a family of it (bgnbd.py has the sources)."""

from dataclasses import dataclass
from typing import Callable

import numpy as np

from .bgnbd import BgNbd, GammaGamma, fit_bgnbd, fit_gamma_gamma
from .dataset import Rows
from .order_histories import order_histories

#: As many customers with a second order; with fewer the likelihood is flat.
FEWEST_REPEATERS = 100
#: What the histories are read from.
NEEDED = (
    "order_days_lifetime",
    "order_gap_mean_days",
    "days_since_last_order",
    "days_since_first_order",
    "revenue_lifetime",
)


@dataclass(frozen=True)
class OrderModel:
    timing: BgNbd
    value: GammaGamma
    #: Answer for who never ordered.
    never: float

    def expected_revenue(self, vectors: np.ndarray, features: list[str], days: float) -> np.ndarray:
        """Of the next `days`, shape [N], in the currency of the history."""
        chosen = _has_ordered(vectors, features)
        found = np.full(len(vectors), self.never)
        if chosen.any():
            histories, counts, means = order_histories(vectors[chosen], features)
            expected = self.timing.expected_orders(histories, days)
            found[chosen] = expected * self.value.expected_value(counts, np.maximum(means, 0))
        return found


def fit_orders(training: Rows, features: list[str]) -> OrderModel | None:
    """None where the histories say too little.

    Each customer's newest training row is one history: older ones are parts of it. Labels are looked at for those who
    never ordered, and for nobody else.
    """
    if any(name not in features for name in NEEDED):
        return None
    ordered = _has_ordered(training.vectors, features)
    latest = training.where(ordered & newest(training))
    seen, orders, mean_value = order_histories(latest.vectors, features)
    if np.count_nonzero(seen.repeats > 0) < FEWEST_REPEATERS:
        return None
    try:
        timing, value = fit_bgnbd(seen), fit_gamma_gamma(orders, mean_value)
    except ValueError:
        return None
    never = float(np.average(training.label[~ordered], weights=training.weight[~ordered])) if not ordered.all() else 0.0
    return OrderModel(timing, value, never)


def expected_revenue(training: Rows, features: list[str], days: float) -> Callable[[Rows], np.ndarray] | None:
    """Expected revenue of the next `days`, shape [N]; who never ordered gets the training mean of such rows."""
    model = fit_orders(training, features)
    return model and (lambda rows: model.expected_revenue(rows.vectors, features, days))


def _has_ordered(vectors: np.ndarray, features: list[str]) -> np.ndarray:
    return np.nan_to_num(vectors[:, features.index("order_days_lifetime")]) >= 1


def newest(rows: Rows) -> np.ndarray:
    """Of each customer the row with the latest snapshot."""
    order = np.lexsort((rows.snapshots, rows.customers))
    last = np.append(np.diff(rows.customers[order]) != 0, True)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[order[last]] = True
    return chosen
