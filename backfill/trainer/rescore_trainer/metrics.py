"""How good answers are on validation rows.

A metric looks at labels and answers once and returns a function of `counts`, how often each row is taken: with ones
it is the metric itself, with the counts of a resample it is the metric of that resample, without sorting again.
Rows count the same: each is one moment at which the model would have been asked.
"""

from typing import Callable

import numpy as np

BINS = 10
OfCounts = Callable[[np.ndarray], float]
Metric = Callable[[np.ndarray, np.ndarray], OfCounts]


class _Ties:
    """Rows in the order of their answers, equal answers as one group: the order within it would be chance."""

    def __init__(self, score: np.ndarray, label: np.ndarray):
        self.order = np.argsort(score, kind="stable")
        self.label = label[self.order].astype(float)
        ordered = score[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))

    def sums(self, counts: np.ndarray, values: np.ndarray | float = 1.0) -> np.ndarray:
        return np.add.reduceat(counts[self.order] * values, self.starts)


def auc(label: np.ndarray, score: np.ndarray) -> OfCounts:
    """Mann-Whitney: the share of pairs in the right order, ties half."""
    ties = _Ties(score, label > 0.5)

    def of(counts: np.ndarray) -> float:
        ones, zeros = ties.sums(counts, ties.label), ties.sums(counts, 1 - ties.label)
        below = np.cumsum(zeros) - zeros / 2
        return float(ones @ below / (ones.sum() * zeros.sum()))

    return of


def _mean(losses: np.ndarray) -> OfCounts:
    return lambda counts: float(counts @ losses / counts.sum())


def log_loss(label: np.ndarray, score: np.ndarray) -> OfCounts:
    sure = np.clip(score.astype(float), 1e-7, 1 - 1e-7)
    return _mean(-(label * np.log(sure) + (1 - label) * np.log(1 - sure)))


def mean_absolute_error(label: np.ndarray, score: np.ndarray) -> OfCounts:
    return _mean(np.abs(label - score.astype(float)))


def base_rate(label: np.ndarray, _score: np.ndarray) -> OfCounts:
    return _mean(label.astype(float))


def tweedie_deviance(label: np.ndarray, score: np.ndarray, power: float = 1.5) -> OfCounts:
    """Of amounts with many zeros; least for the true mean, whatever the amounts' distribution."""
    mean = np.maximum(score.astype(float), 1e-6)
    apart = label ** (2 - power) / ((1 - power) * (2 - power))
    return _mean(2 * (apart - label * mean ** (1 - power) / (1 - power) + mean ** (2 - power) / (2 - power)))


def calibration_error(label: np.ndarray, score: np.ndarray) -> OfCounts:
    """Mean absolute gap between mean label and mean answer over 10 bins of equal count."""
    ties = _Ties(score, label)
    answers = score[ties.order].astype(float)

    def of(counts: np.ndarray) -> float:
        rows, labels, sums = ties.sums(counts), ties.sums(counts, ties.label), ties.sums(counts, answers)
        total = rows.sum()
        place = np.minimum(((np.cumsum(rows) - rows / 2) * BINS / total).astype(int), BINS - 1)
        held, gaps = (np.bincount(place, weights=each, minlength=BINS) for each in (rows, labels - sums))
        return float(np.mean(np.abs(gaps[held > 0]) / held[held > 0]))

    return of


def bins_of_equal_count(score: np.ndarray) -> np.ndarray:
    """0..9 for each row, as `calibration_error` has them: equal answers are in one bin."""
    _, tied, counts = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.minimum((middle * BINS / len(score)).astype(int), BINS - 1)[tied]


def r2(label: np.ndarray, score: np.ndarray) -> OfCounts:
    errors, squares = (label - score.astype(float)) ** 2, label.astype(float) ** 2

    def of(counts: np.ndarray) -> float:
        total = counts.sum()
        return float(1 - counts @ errors / (counts @ squares - (counts @ label) ** 2 / total))

    return of


def mean_ratio(label: np.ndarray, score: np.ndarray) -> OfCounts:
    """Sum predicted / sum actual."""
    answers = score.astype(float)
    return lambda counts: float(counts @ answers / (counts @ label))


def normalised_gini(label: np.ndarray, score: np.ndarray) -> OfCounts:
    """Area between the concentration curve of the label under the answers' order and chance, over the best order's."""

    def area(by: np.ndarray) -> OfCounts:
        ties = _Ties(-by, label)

        def of(counts: np.ndarray) -> float:
            rows, gained = ties.sums(counts), ties.sums(counts, ties.label)
            share = np.concatenate([[0], np.cumsum(gained) / gained.sum()])
            return float(rows @ (share[1:] + share[:-1]) / 2 / rows.sum() - 0.5)

        return of

    ours, best = area(score.astype(float)), area(label.astype(float))
    return lambda counts: ours(counts) / best(counts)


def lift(label: np.ndarray, score: np.ndarray) -> OfCounts:
    """Mean label of the tenth with the highest answers, over the mean of all."""
    ties = _Ties(-score.astype(float), label)

    def of(counts: np.ndarray) -> float:
        rows, labels = ties.sums(counts), ties.sums(counts, ties.label)
        tenth = rows.sum() / 10
        taken = np.clip(tenth - (np.cumsum(rows) - rows), 0, rows)
        mean = labels / np.where(rows > 0, rows, 1)
        return float(taken @ mean / tenth / (labels.sum() / rows.sum()))

    return of


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
#: What families and parameters are chosen by, on the inner hold-out: least for the true expectation.
LOSSES: dict[str, Metric] = {"engagement": log_loss, "churn": log_loss, "ltv": tweedie_deviance}


def value_of(metric: Metric, label: np.ndarray, score: np.ndarray) -> float:
    return metric(label, score)(np.ones(len(label)))


def ranks(values: np.ndarray) -> np.ndarray:
    """Mean ranks from 1."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
