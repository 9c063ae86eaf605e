"""python -m rescore_benchmark.cdnow_measure PREDICTIONS HELD_OUT RESULT: the table, with intervals, and what was asked.

Exit code 1 when an aim is not reached; RESULT is written all the same.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from .intervals import difference, figure, resamples
from .metrics import auc, calibration_error, lift, log_loss, mean_absolute_error, normalised_gini, r2, sum_ratio
from .results import end, keep

CHURN = {"auc": auc, "logLoss": log_loss, "calibrationError": calibration_error, "lift": lift}
REVENUE = {"r2": r2, "meanAbsoluteError": mean_absolute_error, "gini": normalised_gini, "sumRatio": sum_ratio}
#: Figures that others reached on the same customers and hold-out; the second saw labels of other customers' hold-out.
KNOWN = {
    "known: BG/NBD with Gamma-Gamma": {"auc": 0.779, "r2": 0.444, "meanAbsoluteError": 32.68, "gini": 0.672, "sumRatio": 0.827},
    "known: boosting cross-validated with hold-out labels": {
        "auc": 0.779,
        "r2": 0.378,
        "meanAbsoluteError": 34.65,
        "gini": 0.720,
        "sumRatio": 0.951,
    },
    "known: recency alone": {"auc": 0.770},
}
BASELINES = {"churn": ["BG/NBD", "recency alone"], "revenue": ["BG/NBD x Gamma-Gamma"]}


def measure(predictions: dict[str, np.ndarray], label: np.ndarray, question: str, chosen: str, samples) -> dict:
    answers = {name.split(" ", 1)[1]: one for name, one in predictions.items() if name.startswith(f"{question} ")}
    metrics = CHURN if question == "churn" else REVENUE
    figures = {}
    for name, answer in answers.items():
        # Days order customers; they are no chance.
        asked = {"auc": auc} if name == "recency alone" else metrics
        figures[name] = {key: figure(metric, label, answer, samples) for key, metric in asked.items()}
    ours = answers[chosen]
    differences = {
        name: {
            key: difference(metric, label, ours, answers[name], samples)
            for key, metric in metrics.items()
            if key in figures[name]
        }
        for name in BASELINES[question]
    }
    return {"chosen": chosen, "figures": figures, "differences": differences}


def checks(churn: dict, revenue: dict) -> dict[str, bool]:
    of, money = churn["figures"][churn["chosen"]], revenue["figures"][revenue["chosen"]]
    return {
        "churn AUC not below BG/NBD (paired interval)": churn["differences"]["BG/NBD"]["auc"]["high"] >= 0,
        "churn AUC above BG/NBD (paired interval)": churn["differences"]["BG/NBD"]["auc"]["low"] > 0,
        "churn AUC above recency alone (paired interval)": churn["differences"]["recency alone"]["auc"]["low"] > 0,
        "churn calibration error below 0.03": of["calibrationError"]["value"] < 0.03,
        "revenue R2 at least 0.444": money["r2"]["value"] >= 0.444,
        "revenue normalised Gini at least 0.68": money["gini"]["value"] >= 0.68,
        "revenue total within 10 %": abs(money["sumRatio"]["value"] - 1) <= 0.1,
        "revenue MAE at most 33.5": money["meanAbsoluteError"]["value"] <= 33.5,
    }


def shown(one: dict[str, float] | float | None) -> str:
    if one is None:
        return ""
    return f"{one:.3f}" if isinstance(one, float) else f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def table(rows: dict[str, dict], keys: list[str]) -> str:
    lines = [["", *keys], ["---"] * (len(keys) + 1)]
    lines += [[name, *(shown(figures.get(key)) for key in keys)] for name, figures in rows.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def tables(result: dict) -> str:
    text = []
    for question, metrics in (("churn", CHURN), ("revenue", REVENUE)):
        part = result[question]
        known = {name: one for name, one in KNOWN.items() if set(one) & set(metrics)}
        kept = {f"{name} (kept)" if name == part["chosen"] else name: one for name, one in part["figures"].items()}
        minus = {f"kept minus {name}": one for name, one in part["differences"].items()}
        text.append(table({**known, **kept, **minus}, list(metrics)))
    return "\n\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("predictions", "held_out", "result"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    choice = json.loads((arguments.predictions / "choice.json").read_text())
    predictions = dict(np.load(arguments.predictions / "predictions.npz"))
    labels = np.fromfile(arguments.held_out / "labels.f64", "<f8").reshape(-1, 2)
    samples = resamples(np.arange(len(labels))[:, None], choice["seed"])
    result = {
        "customers": len(labels),
        "inner": choice,
        "known": KNOWN,
        "churn": measure(predictions, labels[:, 0], "churn", choice["churn"]["chosen"], samples),
        "revenue": measure(predictions, labels[:, 1], "revenue", choice["revenue"]["chosen"], samples),
    }
    result["checks"] = checks(result["churn"], result["revenue"])
    keep(arguments.result, result)
    print(tables(result))
    end(result["checks"])


if __name__ == "__main__":
    main()
