"""Families that compete for a question: BG/NBD, gradient boosting, one on top of the other.

A family is fitted on rows and then asked about others. What is kept is what does best on customers whom it has not
seen (five folds), inside the calibration.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Callable

import numpy as np
import xgboost

from rescore_trainer.bgnbd import fit_bgnbd, fit_gamma_gamma
from rescore_trainer.order_histories import order_histories

from .cdnow_rows import Rows

FOLDS = 5
BOOSTERS = 5
Answer = Callable[[Rows], np.ndarray]
Family = Callable[[Rows, int], Answer]
SHARED = {"tree_method": "hist", "subsample": 0.8, "colsample_bytree": 0.8, "lambda": 5.0, "nthread": 1}


@dataclass(frozen=True)
class Boosting:
    parameters: dict
    trees: int

    def fit(self, rows: Rows, inputs: np.ndarray, margin: np.ndarray | None, seed: int) -> xgboost.Booster:
        parameters = {**SHARED, **self.parameters, "seed": seed}
        return xgboost.train(parameters, xgboost.DMatrix(inputs, rows.label, base_margin=margin), self.trees)


def with_silence(rows: Rows) -> Rows:
    """Expects P(no order in the next days), by BG/NBD fitted on these very histories: they hold no label."""
    seen, _, _ = order_histories(rows.vectors, rows.features)
    return replace(rows, expected=fit_bgnbd(seen).no_order(seen, rows.days))


def with_revenue(rows: Rows) -> Rows:
    """Expects the revenue of the next days, by BG/NBD x Gamma-Gamma fitted on these very histories."""
    seen, orders, mean_value = order_histories(rows.vectors, rows.features)
    value = fit_gamma_gamma(orders, mean_value).expected_value(orders, mean_value)
    return replace(rows, expected=fit_bgnbd(seen).expected_orders(seen, rows.days) * value)


def expected(_rows: Rows, _seed: int) -> Answer:
    """BG/NBD alone."""
    return lambda asked: asked.expected


def corrected(rows: Rows, _seed: int) -> Answer:
    """Its total set right by rows whose horizon stands to their age as the question's does."""
    factor = rows.label.sum() / rows.expected.sum()
    return lambda asked: factor * asked.expected


def boosted_silence(boosting: Boosting, on_top: bool) -> Family:
    def family(rows: Rows, seed: int) -> Answer:
        def margin(of: Rows) -> np.ndarray | None:
            return np.log(of.expected / (1 - of.expected)) if on_top else None

        booster = boosting.fit(rows, rows.vectors, margin(rows), seed)
        return lambda asked: booster.predict(xgboost.DMatrix(asked.vectors, base_margin=margin(asked))).astype(float)

    return family


def proportions(rows: Rows) -> np.ndarray:
    """Counts, money, and times as shares of the customer's age: what a younger and an older customer have in common."""
    seen, orders, mean_value = order_histories(rows.vectors, rows.features)
    repeated = seen.repeats > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(repeated, seen.recency / seen.age, np.nan)
        in_gaps = np.where(repeated, (seen.age - seen.recency) / (seen.recency / seen.repeats), np.nan)
        since = np.where(seen.age > 0, (seen.age - seen.recency) / seen.age, np.nan)
    return np.column_stack([seen.repeats, since, mean_value, orders * mean_value, in_gaps, share])


def boosted_revenue(boosting: Boosting, weight: float) -> Family:
    """Boosting on top of the corrected BG/NBD; the margin moves `weight` of the way, so 0.5 is their geometric mean.

    The margins of a few boosters with seeds of their own are averaged: revenue is so skewed that one booster's draw
    of rows shows in R2.
    """

    def family(rows: Rows, seed: int) -> Answer:
        below = corrected(rows, seed)
        inputs, margin = proportions(rows), np.log(below(rows))
        boosters = [boosting.fit(rows, inputs, margin, 100 * seed + number) for number in range(BOOSTERS)]

        def answer(asked: Rows) -> np.ndarray:
            start = np.log(below(asked))
            matrix = xgboost.DMatrix(proportions(asked), base_margin=start)
            tops = [booster.predict(matrix, output_margin=True).astype(float) for booster in boosters]
            return np.exp((1 - weight) * start + weight * np.mean(tops, axis=0))

        return answer

    return family


def plain_revenue(boosting: Boosting) -> Family:
    """Boosting alone."""

    def family(rows: Rows, seed: int) -> Answer:
        booster = boosting.fit(rows, proportions(rows), None, seed)
        return lambda asked: booster.predict(xgboost.DMatrix(proportions(asked))).astype(float)

    return family


def out_of_fold(family: Family, rows: Rows, seed: int) -> np.ndarray:
    """Answers for every row from a family that has not seen its customer; [N]."""
    fold = np.array([zlib.crc32(f"{seed}/{customer}".encode()) % FOLDS for customer in rows.customers])
    answers = np.zeros(len(rows.label))
    for number in range(FOLDS):
        answers[fold == number] = family(rows.where(fold != number), seed)(rows.where(fold == number))
    return answers
