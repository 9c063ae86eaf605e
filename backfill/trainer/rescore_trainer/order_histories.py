"""What BG/NBD and Gamma-Gamma ask for, read from the vector of features.

The gap is exact, so the last order is: recency = mean gap x (order days - 1). Ages above 30 days stand in the vector
in steps, downwards: two of them bound the age of the first order, and the middle between the bounds is taken. A bound
alone is days too low for everybody, more so against the age of the young.
"""

import numpy as np

from .bgnbd import Histories


#: Up to this age a step has so many days (processors/core/calendar.ts); beyond the last one ages stand still.
STEPS = [(30, 1), (365, 7), (1_460, 30)]


def bounds(age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest number of days that are written as this age."""
    days = np.select([age <= until for until, _ in STEPS], [step for _, step in STEPS], default=1)
    return age, age + days - 1


def order_histories(vectors: np.ndarray, features: list[str]) -> tuple[Histories, np.ndarray, np.ndarray]:
    """Histories, days with an order and mean value of such a day, shapes [N]; every row must have an order."""

    def column(name: str) -> np.ndarray:
        return vectors[:, features.index(name)].astype(float)

    days = column("order_days_lifetime")
    if not np.all(days >= 1):
        raise ValueError("BG/NBD knows customers from their first order on; leave out rows with order_days_lifetime 0")
    recency = np.nan_to_num(column("order_gap_mean_days")) * (days - 1)
    since_last, since_first = bounds(column("days_since_last_order")), bounds(column("days_since_first_order"))
    low = np.maximum(recency + since_last[0], since_first[0])
    high = np.maximum(np.minimum(recency + since_last[1], since_first[1]), low)
    age = (low + high) / 2
    return Histories(days - 1, recency, age), days, column("revenue_lifetime") / days
