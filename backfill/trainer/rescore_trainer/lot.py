"""Could chance have done it? How often groups that are drawn by lot are as far apart as those of an attribute.

The lowest of several shares over the highest is far below 1 without any difference, a largest gap far above 0, and more so
in small groups: an interval around them does not say so. So the customers' groups are permuted (Phipson & Smyth,
"Permutation p-values should never be zero", 2010), a customer with all rows at once.
"""

from typing import Callable

import numpy as np

from .metrics import BINS

PERMUTATIONS = 999
#: Fewer rows of a label say nothing of a group's rate.
FEWEST_OF_LABEL = 20
SELECTION, ODDS, CALIBRATION = "selection", "odds", "calibration"


def row_weights(selected: np.ndarray, high: np.ndarray, bins: np.ndarray, gaps: np.ndarray) -> list[np.ndarray]:
    """What every figure of a group is a function of, once its rows are summed: rows, selected, those whose label is high,
    the selected among them, and the gap between label and answer in each bin."""
    counted = [np.ones(len(selected)), selected, high.astype(float), high * selected]
    return counted + [np.where(bins == one, gaps, 0.0) for one in range(BINS)]


def by_lot(groups: list[np.ndarray], customers: np.ndarray, weights: list[np.ndarray]) -> dict[str, float | None]:
    """By figure, the share of permutations in which it is at least as unfair; None where it can't be told. `groups`: which
    rows are in each. `weights`: of `row_weights`, for all rows."""
    member = np.logical_or.reduce(groups)
    ids, place = np.unique(customers[member], return_inverse=True)
    of_customer = np.zeros(len(ids), dtype=int)
    of_customer[place] = np.argmax(np.column_stack([chosen[member] for chosen in groups]), axis=1)
    sums = np.column_stack([np.bincount(place, weights=each[member]) for each in weights])
    random = np.random.default_rng(len(ids))

    def figures(of: np.ndarray) -> np.ndarray:
        of_groups = (of[None, :] == np.arange(len(groups))[:, None]).astype(float) @ sums
        return np.array([unfairness(of_groups) for unfairness in UNFAIRNESS.values()])

    with np.errstate(divide="ignore", invalid="ignore"):
        observed = figures(of_customer)
        as_far = sum(figures(random.permutation(of_customer)) >= observed - 1e-12 for _ in range(PERMUTATIONS))
    shares = np.round((1 + as_far) / (1 + PERMUTATIONS), 4)
    return {name: float(share) if np.isfinite(seen) else None for name, share, seen in zip(UNFAIRNESS, shares, observed)}


def _unlike_selection(sums: np.ndarray) -> float:
    shares = sums[:, 1] / np.maximum(sums[:, 0], 1)
    return -shares.min() / shares.max()


def _unlike_odds(sums: np.ndarray) -> float:
    """NaN where no label has rows enough in two groups."""
    rows, selected, high, found = sums[:, :4].T
    gaps = [_gap(found, high), _gap(selected - found, rows - high)]
    return np.nanmax(gaps) if np.isfinite(gaps).any() else float("nan")


def _gap(selected: np.ndarray, rows: np.ndarray) -> float:
    enough = rows >= FEWEST_OF_LABEL
    shares = selected[enough] / rows[enough]
    return shares.max() - shares.min() if len(shares) > 1 else float("nan")


def _worst_calibration(sums: np.ndarray) -> float:
    return (np.abs(sums[:, 4:]).sum(axis=1) / np.maximum(sums[:, 0], 1)).max()


#: Of groups x sums; higher is less fair.
UNFAIRNESS: dict[str, Callable[[np.ndarray], float]] = {
    SELECTION: _unlike_selection,
    ODDS: _unlike_odds,
    CALIBRATION: _worst_calibration,
}
