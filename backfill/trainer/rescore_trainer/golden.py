"""Golden vectors: inputs on which a runtime is most likely to differ, with the fitted model's own answers."""

import json

import numpy as np

ORDINARY, HOLED, ON_THRESHOLD = 24, 12, 24
LARGEST = np.finfo(np.float32).max


def golden_vectors(vectors: np.ndarray, splits: list[tuple[int, float]], seed: int) -> np.ndarray:
    """Ordinary rows; rows with holes; exact split thresholds and their neighbours below; constants and extremes.

    `splits`: feature and threshold of every comparison of the model; without any, rows with holes take their places.
    """
    random = np.random.default_rng(seed)
    width = vectors.shape[1]

    def some(count: int) -> np.ndarray:
        return vectors[random.choice(len(vectors), count)].copy()

    holed = some(HOLED if splits else HOLED + 2 * ON_THRESHOLD)
    holed[random.random(holed.shape) < 0.5] = np.nan
    constants = np.array([np.nan, 0, 1, -1, LARGEST, -LARGEST, 1e-38], dtype=np.float32)
    parts = [some(ORDINARY), holed, np.tile(constants[:, None], width)]
    return np.vstack(parts + (_on_thresholds(some(ON_THRESHOLD), splits, random) if splits else []))


def _on_thresholds(rows: np.ndarray, splits: list[tuple[int, float]], random: np.random.Generator) -> list[np.ndarray]:
    """Rows with one value exactly on a split, the same just below, and one row on a split of every feature."""
    exact, below = rows, rows.copy()
    for row, index in enumerate(random.choice(len(splits), len(rows))):
        feature, threshold = splits[index]
        exact[row, feature] = np.float32(threshold)
        below[row, feature] = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    every_split = np.full((1, rows.shape[1]), np.nan, dtype=np.float32)
    for feature, threshold in splits:
        every_split[0, feature] = np.float32(threshold)
    return [exact, below, every_split]


def golden_lines(vectors: np.ndarray, answers: np.ndarray) -> str:
    """One `{"x": [...], "y": number}` a line; null stands for NaN."""
    lines = (
        json.dumps({"x": [None if np.isnan(value) else float(value) for value in row], "y": float(answer)})
        for row, answer in zip(vectors, answers)
    )
    return "\n".join(lines) + "\n"
