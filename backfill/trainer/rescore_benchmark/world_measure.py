"""python -m rescore_benchmark.world_measure ROWS RESULT: how far each model gets from a baseline to the best possible.

    share = (model - baseline) / (best - baseline)

by R2, or log loss for churn, on the validation labels, with 95 % intervals by bootstrap over customers (paired: all
three on the same rows). As labels are noisy and the best possible is the expectation of the label, the same share is
also given without the noise: 1 - E(model - best)^2 / E(baseline - best)^2, or with the divergence of Kullback and
Leibler for churn.
Exit code 1 when an aim is not reached; RESULT is written all the same.
"""

import argparse
import json
from pathlib import Path
from typing import Callable

import numpy as np

from rescore_trainer.bgnbd import fit_bgnbd, fit_gamma_gamma
from rescore_trainer.order_histories import order_histories

from .intervals import figure, interval, resamples
from .metrics import auc, log_loss, normalised_gini, r2
from .results import end, keep

METRICS = {
    "engagement": {"r2": r2},
    "churn": {"logLoss": log_loss, "auc": auc},
    "ltv": {"r2": r2, "gini": normalised_gini},
}
LTV_DAYS = 180.0
LEAST_BIN = 50

Answers = dict[str, np.ndarray]
Interval = dict[str, float]


class Side:
    def __init__(self, folder: Path, side: str):
        self.features = json.loads((folder / "features.json").read_text())
        self.vectors = np.fromfile(folder / f"{side}.vectors.f32", "<f4").reshape(-1, len(self.features))
        self.label = np.fromfile(folder / f"{side}.labels.f64", "<f8")

    def column(self, name: str) -> np.ndarray:
        return self.vectors[:, self.features.index(name)].astype(float)


def by_steps(train: Side, asked: Side, name: str) -> np.ndarray:
    """Mean label of the training rows with this value; rare values share a mean with their neighbours."""
    known, label = np.nan_to_num(train.column(name), nan=-1.0), train.label
    order = np.argsort(known, kind="stable")
    edges, count = [], 0
    for value, rows in zip(*np.unique(known[order], return_counts=True)):
        count += rows
        if count >= LEAST_BIN:
            edges.append(value)
            count = 0
    bins = np.searchsorted(edges, known)
    means = np.bincount(bins, label, len(edges) + 1) / np.maximum(np.bincount(bins, minlength=len(edges) + 1), 1)
    if not (bins == len(edges)).any():
        means[-1] = means[-2]
    return means[np.searchsorted(edges, np.nan_to_num(asked.column(name), nan=-1.0))]


def by_line(train: Side, asked: Side, name: str) -> np.ndarray:
    slope, offset = np.polyfit(train.column(name), train.label, 1)
    return slope * asked.column(name) + offset


def by_rfm(train: Side, asked: Side) -> np.ndarray:
    """Mean label by recency, frequency and monetary value, in four parts each."""

    def parts(side: Side) -> np.ndarray:
        code = np.zeros(len(side.label), dtype=int)
        for name in ("days_since_last_order", "orders_lifetime", "revenue_lifetime"):
            known = np.nan_to_num(train.column(name), nan=-1.0)
            bounds = np.quantile(known[known > 0], [0.25, 0.5, 0.75]) if (known > 0).any() else []
            code = code * 5 + np.where(np.nan_to_num(side.column(name), nan=-1.0) > 0, 1 + np.searchsorted(bounds, side.column(name)), 0)
        return code

    code = parts(train)
    sums, counts = np.bincount(code, train.label, 125), np.bincount(code, minlength=125)
    means = (sums + 10 * train.label.mean()) / (counts + 10)
    return means[parts(asked)]


def by_bgnbd(train: Side, asked: Side) -> np.ndarray:
    """BG/NBD x Gamma-Gamma fitted on the training rows' histories; without an order, the mean of such rows."""
    bought = train.column("order_days_lifetime") >= 1
    seen, orders, value = order_histories(train.vectors[bought], train.features)
    count, money = fit_bgnbd(seen), fit_gamma_gamma(orders, value)
    now = asked.column("order_days_lifetime") >= 1
    seen, orders, value = order_histories(asked.vectors[now], asked.features)
    answer = np.full(len(asked.label), train.label[~bought].mean() if (~bought).any() else 0.0)
    answer[now] = count.expected_orders(seen, LTV_DAYS) * money.expected_value(orders, value)
    return answer


BASELINES = {
    "engagement": {
        "last value": lambda train, asked: by_line(train, asked, "active_days_last_30_days"),
        "recency": lambda train, asked: by_steps(train, asked, "last_login_days_ago"),
    },
    "churn": {
        "recency": lambda train, asked: by_steps(train, asked, "last_login_days_ago"),
        "last value": lambda train, asked: by_steps(train, asked, "active_days_last_30_days"),
    },
    "ltv": {
        "last value": lambda train, asked: by_line(train, asked, "transaction_revenue_last_90_days"),
        "RFM": by_rfm,
        "BG/NBD x Gamma-Gamma": by_bgnbd,
    },
}

#: The baseline that a model is measured from; the others are given beside it. What anybody would do without a model:
#: for activity look how long ago the last one was, for orders take the model of orders that is known to be good.
NAMED = {"engagement": "recency", "churn": "recency", "ltv": "BG/NBD x Gamma-Gamma"}
#: The first metric of a model, of the way from the named baseline to the best possible.
WANTED = 0.8


def noise_free(name: str, model: np.ndarray, baseline: np.ndarray, best: np.ndarray) -> float:
    def loss(answer: np.ndarray) -> float:
        if name != "churn":
            return float(np.mean((answer - best) ** 2))
        sure, truth = np.clip(answer, 1e-7, 1 - 1e-7), np.clip(best, 1e-7, 1 - 1e-7)
        return float(np.mean(truth * np.log(truth / sure) + (1 - truth) * np.log((1 - truth) / (1 - sure))))

    return 1 - loss(model) / loss(baseline)


def shares_of(name: str, label: np.ndarray, answers: Answers, who: str, samples: list[np.ndarray]) -> dict[str, Interval]:
    """How far the model gets from `who` to the best possible, by every metric and without label noise."""
    model, best, low = answers["model"], answers["best possible"], answers[who]

    def way(metric: Callable, rows: np.ndarray | slice) -> float:
        reached, top, begin = (metric(label[rows], answer[rows]) for answer in (model, best, low))
        return (reached - begin) / (top - begin)

    shares = {key: interval(way(metric, slice(None)), [way(metric, one) for one in samples]) for key, metric in METRICS[name].items()}
    without = [noise_free(name, model[one], low[one], best[one]) for one in samples]
    return {**shares, "without label noise": interval(noise_free(name, model, low, best), without)}


def samples_of(customers: np.ndarray, seed: int) -> list[np.ndarray]:
    order = np.argsort(customers, kind="stable")
    return resamples(np.split(order, np.flatnonzero(np.diff(customers[order])) + 1), seed)


def measure(folder: Path, name: str, seed: int) -> dict:
    train, asked = Side(folder, "training"), Side(folder, "validation")

    def read(file: str, kind: str = "<f8") -> np.ndarray:
        return np.fromfile(folder / f"validation.{file}", kind)

    customers, label = read("customers.i32", "<i4"), asked.label
    answers = {"model": read("model.f64"), "best possible": read("best.f64"), "latent state": read("latent.f64")}
    answers |= {f"baseline: {key}": make(train, asked) for key, make in BASELINES[name].items()}
    samples = samples_of(customers, seed)
    figures = {
        who: {key: figure(metric, label, answer, samples) for key, metric in METRICS[name].items()}
        for who, answer in answers.items()
    }
    shares = {who: shares_of(name, label, answers, who, samples) for who in answers if who.startswith("baseline")}
    named = f"baseline: {NAMED[name]}"
    reached = {key: one["value"] >= WANTED for key, one in shares[named].items()}
    counts = {"rows": len(label), "customers": len(np.unique(customers))}
    return {**counts, "named": named, "reached": reached, "figures": figures, "shares": shares}


def shown(one: dict[str, float]) -> str:
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args()
    world = json.loads((arguments.rows / "world.json").read_text())
    result = {"world": world, "models": {}}
    for name in METRICS:
        one = measure(arguments.rows / name, name, world["seed"])
        result["models"][name] = one
        print(f"\n{name}: {one['rows']} validation rows of {one['customers']} customers")
        for who, figures in one["figures"].items():
            print(f"  {who}: " + ", ".join(f"{key} {shown(value)}" for key, value in figures.items()))
        for who, shares in one["shares"].items():
            mark = " (the named one)" if who == one["named"] else ""
            print(f"  share of the way from {who}{mark}: " + ", ".join(f"{key} {shown(value)}" for key, value in shares.items()))
    keep(arguments.result, result)
    end({f"{name}, {WANTED} of the way by {key}": holds for name, one in result["models"].items() for key, holds in one["reached"].items()})


if __name__ == "__main__":
    main()
