"""Reads a dataset folder written by backfill/dataset (TypeScript).

    dataset.json   {"features": [name, ...], "models": [name, ...], "groups": {attribute: [value, ...]}, "rows": N}
    vectors.f32    N x len(features), little-endian float32, row by row
    labels.f32     N x len(models); NaN where the label is not known
    splits.u8      N x len(models); 0 not used, 1 training, 2 validation
    customers.i32  N; which customer a row belongs to
    truth.f32      N x len(models); the simulation's own expectation of the label, NaN where there is none
    groups.u8      N x len(groups); index of the customer's value, for fairness reports alone
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TRAIN, VALIDATION = 1, 2


@dataclass(frozen=True)
class Rows:
    """The rows of one model and one side of its split."""

    vectors: np.ndarray
    label: np.ndarray
    customers: np.ndarray
    truth: np.ndarray
    groups: np.ndarray

    def where(self, chosen: np.ndarray) -> "Rows":
        return Rows(*(part[chosen] for part in (self.vectors, self.label, self.customers, self.truth, self.groups)))


@dataclass(frozen=True)
class Dataset:
    features: list[str]
    models: list[str]
    group_values: dict[str, list[str]]
    vectors: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    customers: np.ndarray
    truth: np.ndarray
    groups: np.ndarray

    def rows(self, model: str, side: int) -> Rows:
        column = self.models.index(model)
        chosen = self.splits[:, column] == side
        label = self.labels[chosen, column]
        if np.isnan(label).any():
            raise ValueError(f"{model}: a row of the split has no label")
        if not chosen.any():
            raise ValueError(f"{model}: the split has no rows; take a longer archive or more customers")
        return Rows(
            self.vectors[chosen], label, self.customers[chosen], self.truth[chosen, column], self.groups[chosen]
        )


def read_dataset(folder: Path) -> Dataset:
    description = json.loads((folder / "dataset.json").read_text())
    rows, features, models = description["rows"], description["features"], description["models"]
    groups = description["groups"]

    def table(file: str, kind: str, columns: int) -> np.ndarray:
        return np.fromfile(folder / file, dtype=kind).reshape(rows, columns)

    return Dataset(
        features=features,
        models=models,
        group_values=groups,
        vectors=table("vectors.f32", "<f4", len(features)),
        labels=table("labels.f32", "<f4", len(models)),
        splits=table("splits.u8", "u1", len(models)),
        customers=table("customers.i32", "<i4", 1)[:, 0],
        truth=table("truth.f32", "<f4", len(models)),
        groups=table("groups.u8", "u1", len(groups)),
    )
