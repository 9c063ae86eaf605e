"""Plain metrics of one label and one score, as numbers; apart from the trainer's, so that they can disagree."""

import numpy as np

BINS = 10
SURE = 1e-7


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Mann-Whitney: the share of pairs in the right order, ties half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    positives = label > 0.5
    ones, zeros = positives.sum(), (~positives).sum()
    return float((ranks[positives].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def log_loss(label: np.ndarray, score: np.ndarray) -> float:
    sure = np.clip(score.astype(float), SURE, 1 - SURE)
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


def sum_ratio(label: np.ndarray, score: np.ndarray) -> float:
    """Sum predicted / sum actual."""
    return float(score.sum() / label.sum())


def lift(label: np.ndarray, score: np.ndarray) -> float:
    """Mean label of the tenth with the highest scores, over the mean of all."""
    tenth = np.argsort(-score, kind="stable")[: max(1, len(label) // 10)]
    return float(label[tenth].mean() / label.mean())
