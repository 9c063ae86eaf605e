"""The first trees of a model repeat what BG/NBD expects; the labels come after."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xgboost

from rescore_trainer.export import check_parity
from rescore_trainer.families.choice import FAMILIES
from rescore_trainer.families.ensemble import SHARED
from rescore_trainer.families.family import Question
from rescore_trainer.families.opening import NEEDED, activity_histories, expectation, opening_trees
from rescore_trainer.golden import golden_vectors
from rescore_trainer.metrics import auc, r2, value_of

import test_order_baseline as orders
from test_trainer import walk

ACTIVITY = [*NEEDED, "noise"]


def activity_rows(customers: int, seed: int):
    """Who comes on a day with a chance of the customer's own until leaving; 90 days are seen, 30 asked about."""
    random = np.random.default_rng(seed)
    rate, leaves = random.gamma(1.0, 0.2, customers), random.exponential(150, customers)
    days = np.arange(120)[None, :]
    came = (random.random((customers, 120)) < 1 - np.exp(-rate[:, None])) & (days < leaves[:, None])
    seen, later = came[:, :90], came[:, 90:]
    last = np.where(seen.any(axis=1), 89 - np.argmax(seen[:, ::-1], axis=1), -1)
    vectors = [seen.sum(axis=1), np.where(last >= 0, 90 - last, np.nan), np.full(customers, 12), random.random(customers)]
    rows = orders.rows_of(customers, seed)
    return replace(rows, vectors=np.column_stack(vectors).astype(np.float32), label=(~later.any(axis=1)).astype(float)), later


def ltv_parameters(opening: int, trees: int) -> dict:
    family = FAMILIES["ltv"][0]
    return {**SHARED, **family.base, "objective": family.objective, "opening": opening, "trees": trees}


def test_who_came_often_and_stopped_is_expected_to_stay_away_rather_than_who_never_came_often():
    """Days of activity, days since the last one: BG/NBD's own law, and the reason for it."""
    rows, _ = activity_rows(3_000, 1)
    rows.vectors[:3, :3] = [[40, 1, 12], [40, 30, 12], [3, 30, 12]]
    regular, stopped, rare = expectation(Question("churn", ACTIVITY, 1), rows)[:3]
    assert regular < rare < stopped


def test_it_knows_who_stays_away_without_a_label():
    rows, later = activity_rows(4_000, 1)
    assert value_of(auc, rows.label, expectation(Question("churn", ACTIVITY, 1), rows)) > 0.85
    share = later.mean(axis=1)
    assert value_of(r2, share, expectation(Question("engagement", ACTIVITY, 1), replace(rows, label=share))) > 0.6


def test_labels_are_not_looked_at():
    rows, _ = activity_rows(2_000, 1)
    other = replace(rows, label=1 - rows.label)
    question = Question("churn", ACTIVITY, 1)
    np.testing.assert_array_equal(expectation(question, rows), expectation(question, other))


def test_histories_hold_together_whatever_a_vector_holds():
    vectors = golden_vectors(activity_rows(300, 1)[0].vectors, [], 1)
    seen = activity_histories(np.clip(vectors, 0, 1e4), ACTIVITY)
    assert np.isfinite(seen.age).all() and (seen.age > 0).all()


def test_too_few_say_nothing():
    rows, _ = activity_rows(80, 1)
    assert opening_trees(Question("churn", ACTIVITY, 1), rows, 10) is None
    assert opening_trees(Question("churn", ["noise"], 1), rows, 10) is None
    assert opening_trees(Question("ltv", orders.FEATURES, 1), orders.rows_of(60, 1), 10) is None


def test_the_first_trees_are_the_opening_and_all_of_them_are_the_model():
    rows, asked = orders.rows_of(2_000, 1), orders.rows_of(1_000, 2)
    question = Question("ltv", orders.FEATURES, 1)
    begun = opening_trees(question, rows, 20)
    found = FAMILIES["ltv"][0].fit(question, rows, ltv_parameters(20, 35))
    trees = found.trees()
    assert len(trees["trees"]) == 35
    first = xgboost.Booster(model_file=found.ensemble.booster[:20].save_raw("json"))
    np.testing.assert_array_equal(first.predict(xgboost.DMatrix(asked.vectors)), begun.predict(xgboost.DMatrix(asked.vectors)))
    for x, answer in zip(asked.vectors[:50], found.predict(asked.vectors[:50])):
        assert walk(trees, x) == pytest.approx(answer, rel=1e-5)
    golden = golden_vectors(asked.vectors, found.splits(), 1)
    check_parity(found.onnx(), golden, found.predict(golden), "ltv")
    assert json.dumps(trees) == json.dumps(FAMILIES["ltv"][0].fit(question, rows, ltv_parameters(20, 35)).trees())


def test_of_few_rows_a_model_that_opens_with_orders_knows_more():
    """The more so the fewer the labels: 400 customers, half of whom order once."""
    rows, asked = orders.rows_of(400, 3), orders.rows_of(4_000, 4)
    question = Question("ltv", orders.FEATURES, 1)
    with_it, without = (FAMILIES["ltv"][0].fit(question, rows, ltv_parameters(o, 60)).predict(asked.vectors) for o in (40, 0))
    assert value_of(r2, asked.label, with_it) > value_of(r2, asked.label, without)
