"""python -m rescore_benchmark.cdnow_predict CALIBRATION OUT: answers for all customers at the end of the calibration.

Sees the calibration alone. Writes predictions.npz and choice.json: what competed, and what the inner hold-out said.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from .candidates import (
    Boosting,
    Family,
    boosted_revenue,
    boosted_silence,
    corrected,
    expected,
    out_of_fold,
    plain_revenue,
    with_revenue,
    with_silence,
)
from .cdnow_rows import Rows, read_rows
from .metrics import auc, log_loss, mean_absolute_error, normalised_gini, r2, sum_ratio

LOGISTIC = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.05, "min_child_weight": 50}
TWEEDIE = {"objective": "reg:tweedie", "tweedie_variance_power": 1.5, "eta": 0.05, "min_child_weight": 100}
STEEP, FLAT = {**TWEEDIE, "max_depth": 3}, {**TWEEDIE, "max_depth": 2}
CHURN: dict[str, Family] = {
    "BG/NBD": expected,
    "boosting": boosted_silence(Boosting(LOGISTIC, 150), on_top=False),
    "boosting on BG/NBD": boosted_silence(Boosting(LOGISTIC, 100), on_top=True),
}
REVENUE: dict[str, Family] = {
    "BG/NBD x Gamma-Gamma": expected,
    "BG/NBD x Gamma-Gamma, total corrected": corrected,
    "boosting": plain_revenue(Boosting(STEEP, 120)),
    **{
        f"boosting on BG/NBD x Gamma-Gamma, depth {parameters['max_depth']}, weight {weight}": boosted_revenue(
            Boosting(parameters, trees), weight
        )
        for parameters, trees in ((FLAT, 60), (STEEP, 40))
        for weight in (0.5, 1.0)
    },
}


BASELINES = ("BG/NBD", "BG/NBD x Gamma-Gamma")
#: A family whose total inside the calibration is off by more does not compete.
TOTAL_OFF = 0.1


MONEY = {"r2": r2, "sumRatio": sum_ratio, "meanAbsoluteError": mean_absolute_error, "gini": normalised_gini}
SILENCE = {"logLoss": log_loss, "sumRatio": sum_ratio, "auc": auc}


def compete(families: dict[str, Family], rows: Rows, seed: int, metrics: dict) -> dict[str, dict[str, float]]:
    """Figures of each family on customers held back."""
    measured = {}
    for name, family in families.items():
        answers = out_of_fold(family, rows, seed)
        measured[name] = {key: round(metric(rows.label, answers), 6) for key, metric in metrics.items()}
        shown = ", ".join(f"{key} {value:.4f}" for key, value in measured[name].items())
        print(f"  inner hold-out, {name}: {shown}", flush=True)
    return measured


def best(measured: dict[str, dict[str, float]], figure: str, sign: int) -> str:
    """The largest figure times sign among families whose total is right; the baselines do not compete."""
    in_question = [
        name for name, one in measured.items() if abs(one["sumRatio"] - 1) <= TOTAL_OFF and name not in BASELINES
    ]
    return max(in_question, key=lambda name: sign * measured[name][figure])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seed = arguments.seed
    rows = read_rows(arguments.calibration)
    month, look = with_silence(replace(rows["now"], days=np.full(len(rows["now"].days), 30.0))), with_silence(rows["churn"])
    far, near = with_revenue(rows["now"]), with_revenue(rows["revenue"])
    churn_figures = compete(CHURN, look, seed, SILENCE)
    revenue_figures = compete(REVENUE, near, seed, MONEY)
    churn, ltv = best(churn_figures, "logLoss", -1), best(revenue_figures, "r2", 1)
    print(f"chosen: churn {churn}; revenue {ltv}", flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    np.savez(
        arguments.out / "predictions.npz",
        **{f"churn {name}": family(look, seed)(month) for name, family in CHURN.items()},
        **{"churn recency alone": month.columns(["days_since_last_order"])[:, 0]},
        **{f"revenue {name}": family(near, seed)(far) for name, family in REVENUE.items()},
    )
    choice = {
        "seed": seed,
        "churn": {"chosen": churn, "rows": len(look.label), "innerHoldOut": churn_figures},
        "revenue": {"chosen": ltv, "rows": len(near.label), "innerHoldOut": revenue_figures},
    }
    (arguments.out / "choice.json").write_text(json.dumps(choice, indent=2) + "\n")


if __name__ == "__main__":
    main()
