"""What is put right after the trees; an affine step before the link keeps the order of customers.

Platt scaling, for chances: answer = sigmoid(scale * margin + offset), fitted on customers whom the trees have not seen.
J. Platt, "Probabilistic outputs for support vector machines", 1999, without its label smoothing (rows are many).

Balance, for amounts: answer = exp(margin + offset), so that the sum predicted equals the sum that came. Regularised
trees under a log link fall short of it. M. Denuit, A. Charpentier, J. Trufin, "Autocalibration and Tweedie-dominance
for insurance pricing with machine learning", 2021.
"""

import numpy as np

from .errors import TrainingError

STEPS = 50


def platt(margin: np.ndarray, label: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Scale and offset of least weighted log loss (Newton steps), as float32 values."""
    if len(np.unique(label)) < 2:
        raise TrainingError(
            "churn: the customers kept back for calibration are all of one class. Take a longer archive or more customers."
        )
    design = np.column_stack([margin.astype(float), np.ones(len(margin))])
    found = np.array([1.0, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ found))
        gradient = design.T @ (weight * (chance - label))
        hessian = (design * (weight * chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        found = found - step
        if np.abs(step).max() < 1e-10:
            break
    if not np.isfinite(found).all() or found[0] <= 0:
        raise TrainingError(
            f"churn: the calibration came out as {found}: the features do not order the label. "
            "Look at the labels, or take a longer archive or more customers."
        )
    return float(np.float32(found[0])), float(np.float32(found[1]))


def balance(answers: np.ndarray, label: np.ndarray, weight: np.ndarray) -> float:
    """Offset of the log, a float32 value, that makes the weighted sum of `answers` that of `label` (above 0)."""
    return float(np.float32(np.log(np.average(label, weights=weight) / np.average(answers, weights=weight))))
