"""Reads dataset.parquet (docs/backfill.md lists its columns) and refuses what would make a model look better than it is."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from .errors import TrainingError

TRAIN, VALIDATION = "training", "validation"
KEYS = ("customer", "snapshot", "arrival_cut")
PER_MODEL = ("split_", "label_", "weight_", "truth_")
GROUP = "group_"
#: Fewer say nothing; the gate asks for more (gate.customers, gate.eachClass).
FEWEST_ROWS = {TRAIN: 200, VALIDATION: 100}
FEWEST_CUSTOMERS = {TRAIN: 50, VALIDATION: 30}


@dataclass(frozen=True)
class Rows:
    """N rows of one model and one side of its split."""

    #: N x features, float32, NaN where a feature is undefined.
    vectors: np.ndarray
    #: N, double.
    label: np.ndarray
    #: N, whole numbers: which customer a row belongs to.
    customers: np.ndarray
    #: N, milliseconds since 1970.
    snapshots: np.ndarray
    #: N, mean 1: all rows of a customer weigh the same as all rows of another.
    weight: np.ndarray
    #: N, the simulation's own expectation of the label; NaN where there is none.
    truth: np.ndarray
    #: N x attributes, index of the customer's value; for fairness alone.
    groups: np.ndarray

    def where(self, chosen: np.ndarray) -> "Rows":
        return Rows(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True)
class Dataset:
    table: pyarrow.Table
    features: list[str]
    models: list[str]
    #: By attribute, in alphabetical order.
    group_values: dict[str, list[str]]
    #: ISO instants of the first and the last moment of the history.
    range: dict[str, str]
    #: Fingerprint of the feature layout.
    layout: str

    def rows(self, model: str, side: str) -> Rows:
        """The rows of one side. Raises TrainingError when the model's columns are missing, broken or too few."""
        if model not in self.models:
            raise TrainingError(
                f"split_{model} is not a column: the dataset knows {', '.join(self.models) or 'no model'}. "
                "Give --models one of them, or write the dataset again."
            )
        for prefix in ("label_", "weight_"):
            _column(self.table, prefix + model)
        chosen = self.table.filter(compute.equal(self.table[f"split_{model}"], side))
        rows = Rows(
            vectors=_vectors(chosen, self.features),
            label=_doubles(chosen, f"label_{model}"),
            customers=chosen["customer"].combine_chunks().indices.to_numpy(),
            snapshots=_instants(chosen, "snapshot"),
            weight=_doubles(chosen, f"weight_{model}"),
            truth=_truth(chosen, model),
            groups=_groups(chosen, self.group_values),
        )
        _check(model, side, rows)
        return Rows(**{**vars(rows), "weight": rows.weight / rows.weight.mean()})

    def everybody(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vectors, customers and groups of all rows, used by a model or not."""
        return (
            _vectors(self.table, self.features),
            self.table["customer"].combine_chunks().indices.to_numpy(),
            _groups(self.table, self.group_values),
        )

    def customer_names(self) -> list[str]:
        """What the numbers of `Rows.customers` stand for."""
        return self.table["customer"].combine_chunks().dictionary.to_pylist()

    def sides(self, model: str) -> tuple[Rows, Rows]:
        """Training and validation; no customer is on both, and every validation snapshot is later."""
        training, validation = self.rows(model, TRAIN), self.rows(model, VALIDATION)
        both = np.intersect1d(training.customers, validation.customers)
        if len(both):
            raise TrainingError(
                f"split_{model}: {len(both)} customers are on both sides, so the validation rows are known already. "
                "Write the dataset again."
            )
        if training.snapshots.max() >= validation.snapshots.min():
            raise TrainingError(
                f"split_{model}: training snapshots reach into the validation's time. Write the dataset again."
            )
        return training, validation


def read_dataset(path: Path) -> Dataset:
    """Raises TrainingError when the file is none, or lacks a column or the metadata."""
    if not path.is_file():
        raise TrainingError(f"--dataset {path}: there is no such file. `rescore backfill dataset` writes it.")
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowInvalid as error:
        raise TrainingError(f"--dataset {path}: it is no Parquet file ({error}). Write the dataset again.") from None
    for name in KEYS:
        _column(table, name)
    late = compute.sum(compute.greater(table["arrival_cut"], table["snapshot"])).as_py()
    if late:
        raise TrainingError(
            f"arrival_cut: {late} rows know what arrived after their snapshot. Write the dataset again."
        )
    attributes = [name.removeprefix(GROUP) for name in table.column_names if name.startswith(GROUP)]
    metadata = _metadata(table)
    customers = table.column_names.index("customer")
    return Dataset(
        table=table.set_column(customers, "customer", table["customer"].combine_chunks().dictionary_encode()),
        features=_features(table),
        models=[name.removeprefix("split_") for name in table.column_names if name.startswith("split_")],
        group_values={each: sorted(set(table[GROUP + each].to_pylist()) - {None}) for each in attributes},
        range=json.loads(metadata["rescore.range"]),
        layout=metadata["rescore.layout"],
    )


def _metadata(table: pyarrow.Table) -> dict[str, str]:
    found = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    for key in ("rescore.range", "rescore.layout"):
        if key not in found:
            raise TrainingError(f"{key} is missing in the file's metadata. Write the dataset again with this version.")
    return found


def _features(table: pyarrow.Table) -> list[str]:
    """Every column that is no key, label or group; in the order of the layout."""
    names = [
        name for name in table.column_names if name not in KEYS and not name.startswith((*PER_MODEL, GROUP))
    ]
    if not names:
        raise TrainingError("the dataset has no feature columns. Write it again.")
    for name in names:
        kind = table.schema.field(name).type
        if kind != pyarrow.float32():
            raise TrainingError(
                f"{name} is {kind}; features are 32-bit floats, as the models take them. Write the dataset again."
            )
    return names


def _column(table: pyarrow.Table, name: str) -> pyarrow.ChunkedArray:
    if name not in table.column_names:
        raise TrainingError(f"{name} is not a column of the dataset. Write it again with this version.")
    return table[name]


def _vectors(table: pyarrow.Table, features: list[str]) -> np.ndarray:
    """Null, as NaN, is undefined."""
    return np.column_stack([_doubles(table, name).astype(np.float32) for name in features])


def _doubles(table: pyarrow.Table, name: str) -> np.ndarray:
    """Null becomes NaN."""
    return table[name].combine_chunks().to_numpy(zero_copy_only=False).astype(float)


def _instants(table: pyarrow.Table, name: str) -> np.ndarray:
    return table[name].combine_chunks().to_numpy(zero_copy_only=False).astype("datetime64[ms]").astype(np.int64)


def _truth(table: pyarrow.Table, model: str) -> np.ndarray:
    name = f"truth_{model}"
    return _doubles(table, name) if name in table.column_names else np.full(len(table), np.nan)


def _groups(table: pyarrow.Table, values: dict[str, list[str]]) -> np.ndarray:
    codes = [
        compute.index_in(table[GROUP + attribute], pyarrow.array(known)).fill_null(-1).to_numpy()
        for attribute, known in values.items()
    ]
    return np.column_stack(codes).astype(np.int16) if codes else np.zeros((len(table), 0), dtype=np.int16)


def _check(model: str, side: str, rows: Rows) -> None:
    customers = len(np.unique(rows.customers))
    if len(rows) < FEWEST_ROWS[side] or customers < FEWEST_CUSTOMERS[side]:
        raise TrainingError(
            f"{model}: {len(rows)} {side} rows of {customers} customers; at least {FEWEST_ROWS[side]} of "
            f"{FEWEST_CUSTOMERS[side]} are needed. Take a longer archive or more customers."
        )
    if not np.isfinite(rows.label).all():
        raise TrainingError(f"label_{model}: a row of split_{model} has no label. Write the dataset again.")
    if not (np.isfinite(rows.weight) & (rows.weight > 0)).all():
        raise TrainingError(f"weight_{model}: a weight is missing or not above 0. Write the dataset again.")
