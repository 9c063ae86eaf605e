"""The rows of the CDNOW benchmark, as backfill/benchmark/cdnow/write.ts leaves them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Rows:
    """Of one kind of look; all arrays have one entry a row."""

    features: list[str]
    vectors: np.ndarray
    customers: np.ndarray
    #: The label looks at (look, look + days].
    days: np.ndarray
    label: np.ndarray
    #: What BG/NBD expects of the label.
    expected: np.ndarray

    def where(self, chosen: np.ndarray) -> "Rows":
        parts = (self.vectors, self.customers, self.days, self.label, self.expected)
        return Rows(self.features, *(part[chosen] for part in parts))

    def columns(self, names: list[str]) -> np.ndarray:
        return self.vectors[:, [self.features.index(name) for name in names]]


def read_rows(folder: Path) -> dict[str, Rows]:
    description = json.loads((folder / "rows.json").read_text())
    vectors = np.fromfile(folder / "vectors.f32", "<f4").reshape(description["rows"], len(description["features"]))
    kinds = np.fromfile(folder / "kinds.u8", "u1")
    rows = Rows(
        description["features"],
        vectors,
        np.fromfile(folder / "customers.i32", "<i4"),
        np.fromfile(folder / "days.f32", "<f4").astype(float),
        np.fromfile(folder / "labels.f64", "<f8"),
        np.full(description["rows"], np.nan),
    )
    return {name: rows.where(kinds == number) for number, name in enumerate(description["kinds"])}
