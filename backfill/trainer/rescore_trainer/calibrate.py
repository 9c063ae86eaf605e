"""Platt scaling: answer = sigmoid(scale * margin + offset), fitted on customers whom the trees have not seen.

An affine step before the sigmoid is two operators in the graph and keeps the order of customers, so AUC stays.
J. Platt, "Probabilistic outputs for support vector machines", 1999, without its label smoothing (rows are many).
"""

import numpy as np

STEPS = 50


def platt(margin: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Scale and offset of least log loss (Newton steps), as float32 values."""
    design = np.column_stack([margin.astype(float), np.ones(len(margin))])
    weights = np.array([1.0, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (chance - label)
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    if not np.isfinite(weights).all() or weights[0] <= 0:
        raise ValueError(f"the calibration came out as {weights}: the margin does not order the label")
    return float(np.float32(weights[0])), float(np.float32(weights[1]))
