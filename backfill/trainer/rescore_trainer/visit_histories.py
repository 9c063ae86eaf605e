"""Visits by windows, as declining.py asks for them, read from the vector of features.

Sessions are visits; before the last 30 days only days with activity are known, of which n in a window of w days stand for
-w ln(1 - n / w) visits, as a Poisson process would have it.
"""

import numpy as np

from .declining import Visits
from .order_histories import bounds

LAST, TENURE = "last_login_days_ago", "tenure_months"
SESSIONS = {"sessions_last_7_days": 7.5, "sessions_last_30_days": 30.5}
MONTH = "active_days_last_30_days"
#: By feature the days it looks back, half of today and the middle of the week included. Others than the first may be missing.
ACTIVE_DAYS = {"active_days_last_90_days": 90.5, "active_days_last_26_weeks": 185.5, "active_days_last_52_weeks": 367.5}
NEEDED = (*SESSIONS, MONTH, "active_days_last_90_days", LAST, TENURE)
DAYS_A_MONTH = 30.4
#: Of an event of today.
TODAY = 0.25
MOST_VISITS, MOST_DAYS = 1e4, 1e4


def visit_histories(vectors: np.ndarray, features: list[str], most_days: np.ndarray | float = np.inf) -> Visits:
    """Whatever the vectors hold. `most_days`: nobody was seen for longer, shape [N] or one for all."""

    def column(name: str) -> np.ndarray:
        values = vectors[:, features.index(name)].astype(float)
        return np.clip(np.nan_to_num(values, nan=0.0, posinf=MOST_VISITS, neginf=0.0), 0, MOST_VISITS)

    ago = vectors[:, features.index(LAST)].astype(float)
    last = np.where(np.isfinite(ago), widened_middle(column(LAST)), np.nan)
    edges, counts, before = [0.0], [], 0.0
    for name, days in SESSIONS.items():
        counts.append(np.maximum(column(name) - before, 0))
        before = column(name)
        edges.append(days)
    before = column(MONTH)
    for name, days in ACTIVE_DAYS.items():
        if name not in features:
            continue
        counts.append(_visits_of(np.maximum(column(name) - before, 0), days - edges[-1]))
        before = column(name)
        edges.append(days)
    window = np.searchsorted(edges, last, side="right")[:, None] - 1
    number = np.arange(len(counts))
    known = np.column_stack(counts)
    # The last activity decides where counts contradict it.
    known = np.where(number < window, 0.0, np.where(number == window, np.maximum(known, 1.0), known))
    known = np.where(np.isnan(last)[:, None], 0.0, known)
    months = column(TENURE)
    age = np.minimum(months * DAYS_A_MONTH + DAYS_A_MONTH / 2, most_days)
    return Visits(known, np.array(edges), last, np.maximum(np.round(age), np.nan_to_num(last) + 1))


def widened_middle(days: np.ndarray) -> np.ndarray:
    """Older ages stand in the vector in steps: the middle of the step. Of today, what is likely."""
    low, high = bounds(np.minimum(days, MOST_DAYS))
    return np.maximum((low + high) / 2, TODAY)


def _visits_of(days: np.ndarray, window: float) -> np.ndarray:
    days = np.minimum(days, window - 0.5)
    return np.maximum(days, -window * np.log1p(-days / window))
