"""95 % intervals by bootstrap; two answers are compared on the same resamples."""

from typing import Callable, Sequence

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]
RESAMPLES = 400
BOUNDS = [2.5, 97.5]


def resamples(groups: Sequence[np.ndarray], seed: int, count: int = RESAMPLES) -> list[np.ndarray]:
    """Row numbers; a group (the rows of a customer) is drawn as a whole."""
    random = np.random.default_rng(seed)
    return [np.concatenate([groups[one] for one in random.integers(len(groups), size=len(groups))]) for _ in range(count)]


def interval(value: float, resampled: Sequence[float]) -> dict[str, float]:
    low, high = np.percentile(resampled, BOUNDS)
    return {"value": round(float(value), 6), "low": round(float(low), 6), "high": round(float(high), 6)}


def figure(metric: Metric, label: np.ndarray, answer: np.ndarray, samples: list[np.ndarray]) -> dict[str, float]:
    return interval(metric(label, answer), [metric(label[one], answer[one]) for one in samples])


def difference(metric: Metric, label: np.ndarray, ours: np.ndarray, theirs: np.ndarray, samples) -> dict[str, float]:
    """Ours minus theirs, paired."""
    drawn = [metric(label[one], ours[one]) - metric(label[one], theirs[one]) for one in samples]
    return interval(metric(label, ours) - metric(label, theirs), drawn)
