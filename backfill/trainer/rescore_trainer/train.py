"""One model from its rows to its files."""

import json
from pathlib import Path

import numpy as np

from .constants import normalisation, quantiles
from .dataset import TRAIN, VALIDATION, Dataset
from .export import INPUT, OUTPUT, to_onnx
from .fairness import fairness
from .fit import Fitted, fit, trees_of
from .golden import golden_lines, golden_vectors
from .leaks import refuse_leaks
from .metrics import measure
from .specification import SHARED, Specification


def train(specification: Specification, dataset: Dataset, out: Path, seed: int) -> dict:
    """Writes model.onnx, golden.jsonl, trees.json and report.json; returns the report. Raises LeakError."""
    training, validation = dataset.rows(specification.name, TRAIN), dataset.rows(specification.name, VALIDATION)
    refuse_leaks(specification.name, training, dataset.features)
    fitted = fit(specification, training, seed)
    model = trees_of(fitted, dataset.features)
    score = fitted.predict(validation.vectors)
    report = {
        "model": specification.name,
        "input": INPUT,
        "output": OUTPUT,
        "seed": seed,
        "rows": {side: _count(rows.customers) for side, rows in (("train", training), ("validation", validation))},
        "metrics": measure(specification.name, validation, score, seed),
        "parameters": _parameters(fitted),
        "gain": _gain(fitted, dataset.features),
        "fairness": fairness(validation, score, dataset.group_values),
        "quantiles": quantiles(training, dataset.features, fitted),
        "normalisation": normalisation(training, dataset.features, fitted) if specification.name == "ltv" else None,
    }
    folder = out / specification.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(to_onnx(model))
    golden = golden_vectors(validation.vectors, model, seed)
    (folder / "golden.jsonl").write_text(golden_lines(fitted, golden))
    (folder / "trees.json").write_text(json.dumps(model, separators=(",", ":")) + "\n")
    (folder / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
    return report


def _count(customers: np.ndarray) -> dict[str, int]:
    return {"rows": len(customers), "customers": len(np.unique(customers))}


def _parameters(fitted: Fitted) -> dict:
    specification = fitted.specification
    return {
        **SHARED,
        **specification.parameters,
        "objective": specification.objective,
        "trees": specification.trees,
        "calibration_share": specification.calibration_share,
    }


def _gain(fitted: Fitted, features: list[str]) -> dict[str, float]:
    """Share of the total gain per feature, the ten largest."""
    gains = fitted.booster.get_score(importance_type="total_gain")
    total = sum(gains.values())
    largest = sorted(gains.items(), key=lambda item: -item[1])[:10]
    return {features[int(key[1:])]: round(gain / total, 4) for key, gain in largest}
