"""A small question with a known answer: who stays away depends on the first two of six features, a third of them undefined."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from rescore_trainer.dataset import Rows  # noqa: E402

FEATURES = [f"feature_{number}" for number in range(6)]


def make_rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, len(FEATURES))).astype(np.float32)
    chance = 1 / (1 + np.exp(-(1.5 * vectors[:, 0] - vectors[:, 1])))
    label = (random.random(count) < chance).astype(np.float32)
    vectors[random.random(vectors.shape) < 0.33] = np.nan
    return Rows(vectors, label, np.arange(count, dtype=np.int32), chance, np.zeros((count, 1), dtype=np.uint8))


@pytest.fixture(scope="session")
def training() -> Rows:
    return make_rows(4_000, 1)


@pytest.fixture(scope="session")
def validation() -> Rows:
    return make_rows(2_000, 2)
