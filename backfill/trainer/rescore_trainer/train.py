"""One model from its rows to its files."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

import numpy as np

from .baselines import NAMED, baselines
from .bootstrap import Bootstrap, differences, figures, measure
from .card import model_card
from .champion import Champion, champion_of
from .constants import normalisation, quantiles
from .curves import curves
from .dataset import Dataset, Rows
from .errors import TrainingError
from .export import INPUT, OUTPUT, check_parity
from .fairness import fairness, for_manifest
from .families.choice import fit_chosen
from .families.family import Family, Fitted, Found, Question
from .golden import golden_lines, golden_vectors
from .leaks import STRONGEST, refuse_leaks, strengths
from .metrics import METRICS
from .pictures import calibration_picture, lift_picture

Say = Callable[[str], None]
FEWEST_OF_CLASS = 20


@dataclass(frozen=True)
class Run:
    """What is the same for all models of a run."""

    dataset: Dataset
    out: Path
    seed: int
    #: From prohibited.proxies.
    proxies: dict
    champions: Path | None = None
    source: str = "an archive"
    notice: str | None = None


def train(model: str, run: Run, say: Say) -> dict:
    """Writes the folder out/<model>, all of it or nothing, and returns its report. Raises TrainingError."""
    features = run.dataset.features
    training, validation = run.dataset.sides(model)
    _refuse_labels(model, training, validation)
    strongest = strengths(training, features)
    refuse_leaks(model, strongest)
    family, fitted, found = fit_chosen(Question(model, features, run.seed), training, say)
    report = {
        **_described(model, run, family, fitted, found),
        **_ranges(run, training, validation),
        **_on_training(model, training, features, fitted),
        **_on_validation(model, run, training, validation, strongest, fitted, say),
    }
    _write(run, model, report, fitted, validation)
    return report


def _refuse_labels(model: str, training: Rows, validation: Rows) -> None:
    """One class only, or labels that the question cannot have."""
    low, high = (0, np.inf) if model == "ltv" else (0, 1)
    for side, rows in (("training", training), ("validation", validation)):
        if rows.label.min() < low or rows.label.max() > high:
            raise TrainingError(f"label_{model}: a label lies outside {low} to {high}. Write the dataset again.")
        some = int((rows.label > 0).sum())
        none = len(rows) - some if model == "churn" else FEWEST_OF_CLASS
        if min(some, none) < FEWEST_OF_CLASS:
            raise TrainingError(
                f"label_{model}: of {len(rows)} {side} rows {some} are above 0; at least {FEWEST_OF_CLASS} are needed"
                f"{', and as many at 0' if model == 'churn' else ''}. Take a longer archive or more customers."
            )


def _described(model: str, run: Run, family: Family, fitted: Fitted, found: list[Found]) -> dict:
    gains = sorted(fitted.gain().items(), key=lambda each: (-each[1], each[0]))
    total = sum(gain for _name, gain in gains) or 1.0
    return {
        "model": model,
        "input": INPUT,
        "output": OUTPUT,
        "seed": run.seed,
        "family": family.name,
        "method": family.method,
        "explained": fitted.trees() is not None,
        "families": [{"family": each.family, "loss": each.best.loss} for each in found],
        "search": [
            {"family": each.family, "loss": trial.loss, "parameters": trial.parameters}
            for each in found
            for trial in each.trials
        ],
        "parameters": {"family": family.name, **fitted.parameters()},
        "gain": {name: round(gain / total, 4) for name, gain in gains[:10]},
    }


def _ranges(run: Run, training: Rows, validation: Rows) -> dict:
    return {
        "rows": {"train": _count(training), "validation": _count(validation)},
        "trainingRange": {
            "from": _instant(training.snapshots.min()),
            "until": _instant(training.snapshots.max()),
            "archiveEnd": run.dataset.range["end"],
        },
        "simulated": bool(np.isfinite(validation.truth).all()),
        "proxies": run.proxies,
    }


def _on_training(model: str, training: Rows, features: list[str], fitted: Fitted) -> dict:
    predicted = fitted.predict(training.vectors)
    return {
        "quantiles": quantiles(training, features, predicted),
        # Exactly one model of a run carries them.
        "normalisation": normalisation(training, features, predicted) if model == "ltv" else None,
    }


def _on_validation(
    model: str, run: Run, training: Rows, validation: Rows, strongest: list[dict], fitted: Fitted, say: Say
) -> dict:
    say("measures the validation rows")
    score = fitted.predict(validation.vectors)
    bootstrap = Bootstrap(validation, run.seed)
    metrics, ours = measure(model, validation, bootstrap, score)
    theirs = {
        name: bootstrap.samples(METRICS[model], answers(validation))
        for name, answers in baselines(model, training, run.dataset.features).items()
    }
    champion = champion_of(run.champions, model, run.dataset, validation, say)
    champions = champion and bootstrap.samples(METRICS[model], champion.answers)
    groups = fairness(validation, score, run.dataset.group_values, bootstrap)
    return {
        "metrics": metrics,
        "baselines": {name: figures(samples) for name, samples in theirs.items()},
        "differences": {name: differences(ours, samples) for name, samples in theirs.items()},
        "championDifferences": differences(ours, champions) if champions else None,
        "curves": curves(validation.label, score),
        "fairness": groups,
        "evaluation": {
            "archiveStart": run.dataset.range["start"],
            "classes": _classes(training) if model == "churn" else None,
            "holdOutSha256": _digest(run.dataset, validation),
            "strongestFeatures": strongest[:STRONGEST],
            "fairness": for_manifest(groups),
            "proxies": run.proxies,
            "champion": _compared(champion, champions),
            "baseline": _named(model, theirs),
        },
    }


def _compared(champion: Champion | None, samples: dict | None) -> dict | None:
    return {"version": champion.version, "metrics": figures(samples)} if champion and samples else None


def _named(model: str, theirs: dict[str, dict]) -> dict:
    """Young archives have no BG/NBD to compare with."""
    name = NAMED[model] if NAMED[model] in theirs else "recency"
    return {"name": name, "metrics": figures(theirs[name])}


def _classes(rows: Rows) -> dict[str, int]:
    positives = int((rows.label == 1).sum())
    return {"positives": positives, "negatives": len(rows) - positives}


def _count(rows: Rows) -> dict[str, int]:
    return {"rows": len(rows), "customers": len(np.unique(rows.customers))}


def _digest(dataset: Dataset, rows: Rows) -> str:
    """Of who, when, what was known and what came: what "the same hold-out" means."""
    digest = hashlib.sha256(f"{dataset.layout}\n{','.join(dataset.features)}\n".encode())
    names = dataset.customer_names()
    digest.update("\n".join(names[code] for code in rows.customers).encode())
    for part, kind in ((rows.snapshots, "<i8"), (rows.label, "<f8"), (rows.vectors, "<f4")):
        digest.update(np.ascontiguousarray(part, dtype=kind).tobytes())
    return digest.hexdigest()


def _instant(milliseconds: int) -> str:
    at = datetime.fromtimestamp(int(milliseconds) // 1000, tz=timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{int(milliseconds) % 1000:03d}Z"


def _write(run: Run, model: str, report: dict, fitted: Fitted, validation: Rows) -> None:
    onnx, trees = fitted.onnx(), fitted.trees()
    golden = golden_vectors(validation.vectors, fitted.splits(), run.seed)
    answers = fitted.predict(golden)
    check_parity(onnx, golden, answers, model)
    files = {
        "model.onnx": onnx,
        "golden.jsonl": golden_lines(golden, answers),
        **({} if trees is None else {"trees.json": json.dumps(trees, separators=(",", ":")) + "\n"}),
        "report.json": json.dumps(report, indent=2, allow_nan=False) + "\n",
        "card.md": model_card(report, run.source, run.notice),
        "calibration.svg": calibration_picture(model, report["curves"]["calibration"]),
        "lift.svg": lift_picture(model, report["curves"]["lift"]),
    }
    partial, folder = run.out / f".{model}.partial", run.out / model
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, content in files.items():
        (partial / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
