"""How good a model is on validation rows, each figure with a 95 % interval over customers (bootstrap)."""

from typing import Callable

import numpy as np

from .dataset import Rows

RESAMPLES = 200
BINS = 10
Metric = Callable[[np.ndarray, np.ndarray], float]


def ranks(values: np.ndarray) -> np.ndarray:
    """Mean ranks from 1."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Mann-Whitney: the share of pairs in the right order, ties half."""
    positives = label > 0.5
    ones, zeros = positives.sum(), (~positives).sum()
    return float((ranks(score)[positives].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def log_loss(label: np.ndarray, score: np.ndarray) -> float:
    sure = np.clip(score.astype(float), 1e-7, 1 - 1e-7)
    return float(-np.mean(label * np.log(sure) + (1 - label) * np.log(1 - sure)))


def calibration_error(label: np.ndarray, score: np.ndarray) -> float:
    """Mean absolute gap between mean label and mean score over 10 bins of equal count."""
    bins = np.array_split(np.argsort(score, kind="stable"), BINS)
    return float(np.mean([abs(label[rows].mean() - score[rows].mean()) for rows in bins]))


def r2(label: np.ndarray, score: np.ndarray) -> float:
    return float(1 - np.sum((label - score) ** 2) / np.sum((label - label.mean()) ** 2))


def mean_absolute_error(label: np.ndarray, score: np.ndarray) -> float:
    return float(np.mean(np.abs(label - score)))


def normalised_gini(label: np.ndarray, score: np.ndarray) -> float:
    """Area between the concentration curve of the label under the score's order and chance, over the best order's."""

    def area(order: np.ndarray) -> float:
        share = np.cumsum(label[order]) / label.sum()
        return float(np.mean(share - np.arange(1, len(label) + 1) / len(label)))

    return area(np.argsort(-score, kind="stable")) / area(np.argsort(-label, kind="stable"))


def mean_ratio(label: np.ndarray, score: np.ndarray) -> float:
    """Sum predicted / sum actual."""
    return float(score.sum() / label.sum())


def lift(label: np.ndarray, score: np.ndarray) -> float:
    """Mean label of the tenth with the highest scores, over the mean of all."""
    tenth = np.argsort(-score, kind="stable")[: max(1, len(label) // 10)]
    return float(label[tenth].mean() / label.mean())


def base_rate(label: np.ndarray, _score: np.ndarray) -> float:
    return float(label.mean())


METRICS: dict[str, dict[str, Metric]] = {
    "engagement": {"r2": r2, "meanAbsoluteError": mean_absolute_error, "calibrationError": calibration_error},
    "churn": {"auc": auc, "logLoss": log_loss, "calibrationError": calibration_error, "lift": lift, "baseRate": base_rate},
    "ltv": {"r2": r2, "meanAbsoluteError": mean_absolute_error, "gini": normalised_gini, "sumRatio": mean_ratio},
}
#: What the simulation's own expectation reaches: no model can do better on average.
ATTAINABLE: dict[str, dict[str, Metric]] = {
    "engagement": {"r2OfTruth": r2},
    "churn": {"aucOfTruth": auc, "logLossOfTruth": log_loss},
    "ltv": {"r2OfTruth": r2, "giniOfTruth": normalised_gini},
}


def measure(name: str, rows: Rows, score: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    random = np.random.default_rng(seed)
    by_customer = _rows_by_customer(rows.customers)
    samples = [
        np.concatenate([by_customer[one] for one in random.integers(len(by_customer), size=len(by_customer))])
        for _ in range(RESAMPLES)
    ]

    def figures(metrics: dict[str, Metric], answer: np.ndarray) -> dict[str, dict[str, float]]:
        return {key: _with_interval(metric, rows.label, answer, samples) for key, metric in metrics.items()}

    measured = figures(METRICS[name], score)
    if np.isfinite(rows.truth).all():
        measured |= figures(ATTAINABLE[name], rows.truth)
    return measured


def _rows_by_customer(customers: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(customers, kind="stable")
    starts = np.flatnonzero(np.diff(customers[order])) + 1
    return np.split(order, starts)


def _with_interval(metric: Metric, label: np.ndarray, score: np.ndarray, samples: list[np.ndarray]) -> dict[str, float]:
    resampled = [metric(label[sample], score[sample]) for sample in samples]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return {"value": metric(label, score), "low": float(low), "high": float(high)}
