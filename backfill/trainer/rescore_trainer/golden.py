"""Golden vectors: inputs on which a runtime is most likely to differ, with XGBoost's own answers."""

import json

import numpy as np

from .fit import Fitted

ORDINARY, HOLED, ON_THRESHOLD = 24, 12, 24
LARGEST = np.finfo(np.float32).max


def golden_vectors(vectors: np.ndarray, model: dict, seed: int) -> np.ndarray:
    """Ordinary rows; rows with holes; exact split thresholds and their neighbours below; constants and extremes."""
    random = np.random.default_rng(seed)
    width = vectors.shape[1]

    def some(count: int) -> np.ndarray:
        return vectors[random.choice(len(vectors), count)].copy()

    holed = some(HOLED)
    holed[random.random(holed.shape) < 0.5] = np.nan
    splits = [
        (feature, threshold)
        for tree in model["trees"]
        for feature, threshold in zip(tree["feature"], tree["threshold"])
        if feature >= 0
    ]
    chosen = [splits[index] for index in random.choice(len(splits), ON_THRESHOLD)]
    exact, below = some(ON_THRESHOLD), some(ON_THRESHOLD)
    for row, (feature, threshold) in enumerate(chosen):
        exact[row, feature] = np.float32(threshold)
        below[row] = exact[row]
        below[row, feature] = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    every_split = np.full((1, width), np.nan, dtype=np.float32)
    for feature, threshold in splits:
        every_split[0, feature] = np.float32(threshold)
    constants = np.array([np.nan, 0, 1, -1, LARGEST, -LARGEST, 1e-38], dtype=np.float32)
    return np.vstack([some(ORDINARY), holed, exact, below, every_split, np.tile(constants[:, None], width)])


def golden_lines(fitted: Fitted, vectors: np.ndarray) -> str:
    answers = fitted.predict(vectors)
    lines = (
        json.dumps({"x": [None if np.isnan(value) else float(value) for value in row], "y": float(answer)})
        for row, answer in zip(vectors, answers)
    )
    return "\n".join(lines) + "\n"
