"""A small question with a known answer: who stays away depends on the first two of six features, a third of them undefined."""

import os
import sys
from pathlib import Path

# As the trainer sets it, before numpy is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402
import pytest  # noqa: E402

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import synthetic  # noqa: E402
from rescore_trainer.dataset import Rows  # noqa: E402

FEATURES = [f"feature_{number}" for number in range(6)]


def make_rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, len(FEATURES))).astype(np.float32)
    chance = 1 / (1 + np.exp(-(1.5 * vectors[:, 0] - vectors[:, 1])))
    label = (random.random(count) < chance).astype(float)
    vectors[random.random(vectors.shape) < 0.33] = np.nan
    return Rows(
        vectors=vectors,
        label=label,
        customers=np.arange(count),
        snapshots=np.sort(random.integers(10**9, size=count)),
        weight=np.ones(count),
        truth=chance,
        groups=np.zeros((count, 0), dtype=np.int16),
    )


@pytest.fixture(scope="session")
def training() -> Rows:
    return make_rows(4_000, 1)


@pytest.fixture(scope="session")
def validation() -> Rows:
    return make_rows(2_000, 2)


@pytest.fixture(scope="session")
def columns() -> dict[str, np.ndarray]:
    """Of a dataset of 16,000 rows; copy before changing."""
    return synthetic.columns(16_000)


@pytest.fixture
def written(tmp_path):
    """Writes columns as dataset.parquet."""

    def write(found: dict[str, np.ndarray]) -> Path:
        path = tmp_path / "dataset.parquet"
        parquet.write_table(synthetic.table(found), path)
        return path

    return write
