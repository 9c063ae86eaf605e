"""Two curves of the validation rows, as points: how far answers can be believed, and what the highest are worth."""

import numpy as np

from .metrics import BINS

SHARES = 20


def curves(label: np.ndarray, score: np.ndarray) -> dict[str, list[dict]]:
    """`calibration`: mean answer and mean label in 10 bins of equal count. `lift`: the share of rows with the highest
    answers, their mean label, and the part of all label that they hold (gain)."""
    order = np.argsort(score, kind="stable")
    calibration = [
        {"score": _short(score[rows].astype(float).mean()), "label": _short(label[rows].mean()), "rows": len(rows)}
        for rows in np.array_split(order, BINS)
    ]
    gained = np.cumsum(label[order[::-1]])
    lift = []
    for step in range(1, SHARES + 1):
        rows = max(1, round(len(label) * step / SHARES))
        gain = gained[rows - 1] / gained[-1] if gained[-1] else 0.0
        lift.append({"share": step / SHARES, "label": _short(gained[rows - 1] / rows), "gain": _short(gain)})
    return {"calibration": calibration, "lift": lift}


def _short(value: float) -> float:
    return float(f"{value:.9g}")
