"""95 % intervals by resampling whole customers: their rows are alike, so rows would make intervals too narrow.

One set of resamples serves everything that is compared, so that differences are paired.
"""

import numpy as np

from .dataset import Rows
from .metrics import ATTAINABLE, METRICS, Metric

RESAMPLES = 200
Figure = dict[str, float]
Figures = dict[str, Figure]


class Bootstrap:
    def __init__(self, rows: Rows, seed: int, resamples: int = RESAMPLES):
        random = np.random.default_rng(seed)
        customers, codes = np.unique(rows.customers, return_inverse=True)
        of_customers = random.multinomial(len(customers), np.full(len(customers), 1 / len(customers)), size=resamples)
        #: First the rows as they are, then how often each resample takes them.
        self.counts = np.vstack([np.ones(len(customers)), of_customers])[:, codes]
        self.label = rows.label

    def values(self, metric: Metric, score: np.ndarray) -> np.ndarray:
        """The metric itself, then of every resample."""
        of = metric(self.label, score)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.array([of(counts) for counts in self.counts])

    def samples(self, metrics: dict[str, Metric], score: np.ndarray) -> dict[str, np.ndarray]:
        return {name: self.values(metric, score) for name, metric in metrics.items()}


def figure(values: np.ndarray) -> Figure:
    """The first is the value; a resample without one (one class only) says nothing."""
    known = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (values[0], values[0])
    return {"value": _short(values[0]), "low": _short(low), "high": _short(high)}


def figures(samples: dict[str, np.ndarray]) -> Figures:
    return {name: figure(values) for name, values in samples.items()}


def differences(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> Figures:
    """Ours minus theirs, resample by resample."""
    return {name: figure(ours[name] - theirs[name]) for name in ours if name in theirs and name != "baseRate"}


def measure(name: str, rows: Rows, bootstrap: Bootstrap, score: np.ndarray) -> tuple[Figures, dict[str, np.ndarray]]:
    """Figures of the model, with what the truth would reach where it is known; and the samples to compare with."""
    samples = bootstrap.samples(METRICS[name], score)
    measured = figures(samples)
    if np.isfinite(rows.truth).all():
        measured |= figures(bootstrap.samples(ATTAINABLE[name], rows.truth))
    return measured, samples


def _short(value: float) -> float:
    """Twelve digits: what lies beyond is the order of additions."""
    return float(f"{value:.12g}")
