"""The first trees of a model repeat what a model of counts expects; the labels come after."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xgboost

from rescore_trainer.export import check_parity
from rescore_trainer.families import opening
from rescore_trainer.families.choice import FAMILIES
from rescore_trainer.families.ensemble import SHARED
from rescore_trainer.families.family import Question
from rescore_trainer.families.opening import DAY_MS, Expected, fit_counts, opening_trees
from rescore_trainer.families.search import inner_split
from rescore_trainer.golden import golden_vectors
from rescore_trainer.metrics import auc, log_loss, r2, value_of
from rescore_trainer.visit_histories import ACTIVE_DAYS, NEEDED

import test_order_baseline as orders
from test_trainer import walk

YEAR = [name for name in ACTIVE_DAYS if name not in NEEDED]
ACTIVITY = [*NEEDED, *YEAR, "noise"]
#: Days that the archive holds at the snapshot of `activity_rows`.
SEEN = 300


def activity_rows(customers: int, seed: int, seen_days: int = SEEN):
    """Who comes on a day with a chance of the customer's own until leaving; 30 days are asked about."""
    random = np.random.default_rng(seed)
    rate, leaves = random.gamma(1.0, 0.2, customers), random.exponential(250, customers)
    days = np.arange(SEEN + 30)[None, :]
    visits = random.poisson(rate[:, None] * (days < leaves[:, None]) * (days >= SEEN - seen_days))
    past, later = visits[:, :SEEN][:, ::-1], visits[:, SEEN:] > 0
    came = past > 0
    columns = {
        "sessions_last_7_days": past[:, :7].sum(axis=1),
        "sessions_last_30_days": past[:, :30].sum(axis=1),
        "active_days_last_30_days": came[:, :30].sum(axis=1),
        "active_days_last_90_days": came[:, :90].sum(axis=1),
        "active_days_last_26_weeks": came[:, :185].sum(axis=1),
        "active_days_last_52_weeks": came.sum(axis=1),
        "last_login_days_ago": np.where(came.any(axis=1), 1 + np.argmax(came, axis=1), np.nan),
        "tenure_months": np.full(customers, 20),
        "noise": random.random(customers),
    }
    rows = orders.rows_of(customers, seed)
    vectors = np.column_stack([columns[name] for name in ACTIVITY]).astype(np.float32)
    snapshots = np.full(customers, seen_days * DAY_MS)
    return replace(rows, vectors=vectors, label=(~later.any(axis=1)).astype(float), snapshots=snapshots), later


def expectation(question: Question, rows) -> Expected | None:
    counts = fit_counts(question, rows)
    return counts and counts(rows)


def ltv_parameters(begun: int, trees: int) -> dict:
    family = FAMILIES["ltv"][0]
    return {**SHARED, **family.base, "objective": family.objective, "opening": begun, "trees": trees}


def test_who_came_often_and_stopped_is_expected_to_stay_away_rather_than_who_never_came_often():
    """The law of every model of counts with an end, and the reason for one."""
    rows, _ = activity_rows(1_500, 1)
    comes, came, seldom = [9, 30, 25, 70, 1, 20, 140, 250], [0, 0, 0, 40, 40, 20, 110, 220], [0, 0, 0, 2, 40, 20, 4, 8]
    rows.vectors[:3, :-1] = [comes, came, seldom]
    regular, stopped, rare = expectation(Question("churn", ACTIVITY, 1), rows).asked[:3]
    assert regular < rare < stopped


def test_it_knows_who_stays_away_without_a_label():
    rows, later = activity_rows(2_000, 1)
    chance = expectation(Question("churn", ACTIVITY, 1), rows).asked
    assert value_of(auc, rows.label, chance) > 0.9
    assert chance.mean() == pytest.approx(rows.label.mean(), abs=0.03)
    share = later.mean(axis=1)
    expected = expectation(Question("engagement", ACTIVITY, 1), replace(rows, label=share)).asked
    assert value_of(r2, share, expected) > 0.75
    assert expected.mean() == pytest.approx(share.mean(), abs=0.02)


def test_what_is_older_than_90_days_may_be_missing_but_helps():
    rows, _ = activity_rows(2_000, 1)
    short = replace(rows, vectors=np.delete(rows.vectors, [ACTIVITY.index(name) for name in YEAR], axis=1))
    features = [name for name in ACTIVITY if name not in YEAR]
    less = expectation(Question("churn", features, 1), short).asked
    more = expectation(Question("churn", ACTIVITY, 1), rows).asked
    assert 0.9 < value_of(auc, rows.label, less) < value_of(auc, rows.label, more)


def test_labels_are_not_looked_at():
    rows, _ = activity_rows(800, 1)
    question = Question("churn", ACTIVITY, 1)
    found, other = (expectation(question, one) for one in (rows, replace(rows, label=1 - rows.label)))
    np.testing.assert_array_equal(found.asked, other.asked)
    np.testing.assert_array_equal(found.offset, other.offset)


def test_what_is_repeated_is_a_function_of_the_vector_and_the_offset_tells_of_a_young_archive():
    """The same vector on the sixtieth day of the archive and on the three-hundredth: few visits in a year, or all there were."""
    late, _ = activity_rows(2_000, 1)
    early, _ = activity_rows(2_000, 2, seen_days=60)
    joined = ("vectors", "label", "weight", "snapshots")
    both = replace(late, **{name: np.concatenate([getattr(late, name), getattr(early, name)]) for name in joined})
    both = replace(both, customers=np.arange(4_000), truth=np.full(4_000, np.nan), groups=np.zeros((4_000, 0), dtype=int))
    both.vectors[2_000] = both.vectors[0] = both.vectors[2_001]
    found = expectation(Question("churn", ACTIVITY, 1), both)
    assert found.asked[2_000] == found.asked[0]
    then = 1 / (1 + np.exp(-np.log(found.asked / (1 - found.asked)) - found.offset))
    assert np.abs(found.offset[2_000:]).mean() > 3 * np.abs(found.offset[:2_000]).mean()
    assert value_of(log_loss, both.label[2_000:], then[2_000:]) < value_of(log_loss, both.label[2_000:], found.asked[2_000:])


def test_whatever_a_vector_holds_something_is_expected():
    rows, _ = activity_rows(500, 1)
    counts = fit_counts(Question("churn", ACTIVITY, 1), rows)
    odd = golden_vectors(rows.vectors, [], 1)
    random = np.random.default_rng(1)
    strange = random.choice([np.nan, np.inf, -np.inf, -5, 0, 1, 1e3, 1e30], (500, len(ACTIVITY))).astype(np.float32)
    for vectors in (odd, strange, np.full_like(odd, np.nan), np.zeros_like(odd)):
        asked = replace(rows.where(np.arange(len(vectors)) % 500), vectors=vectors)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = counts(asked)
        assert np.all((found.asked > 0) & (found.asked < 1)) and np.isfinite(found.offset).all()


def test_too_few_say_nothing():
    few = activity_rows(80, 1)[0]
    assert fit_counts(Question("churn", ACTIVITY, 1), few) is None
    assert fit_counts(Question("churn", ["noise"], 1), activity_rows(300, 1)[0]) is None
    assert fit_counts(Question("ltv", orders.FEATURES, 1), orders.rows_of(60, 1)) is None
    assert opening_trees(Question("churn", ACTIVITY, 1), few, None, 10) is None
    parameters = {**SHARED, **FAMILIES["engagement"][0].base, "objective": "reg:logistic", "trees": 20, "opening": 10}
    assert len(FAMILIES["engagement"][0].fit(Question("engagement", ACTIVITY, 1), few, parameters).trees()["trees"]) == 20


def test_where_no_parameters_are_found_there_is_no_opening(monkeypatch):
    def none(_seen):
        raise ValueError("no maximum")

    monkeypatch.setattr(opening, "fit_declining", none)
    rows, _ = activity_rows(300, 1)
    assert fit_counts(Question("churn", ACTIVITY, 1), rows) is None


def test_the_search_tries_a_model_without_an_opening_and_takes_it_where_no_model_of_counts_fits():
    """Labels that have nothing to do with visits, but with a column that no model of counts reads."""
    rows, _ = activity_rows(3_000, 1)
    rows = replace(rows, label=(rows.vectors[:, -1] > 0.5).astype(float))
    for model in ("engagement", "churn"):
        found = FAMILIES[model][0].search(Question(model, ACTIVITY, 1), inner_split(rows, 1), lambda _line: None)
        assert found.best.parameters["opening"] == 0
        assert {trial.parameters["opening"] for trial in found.trials} > {0}


def test_the_first_trees_are_the_opening_and_all_of_them_are_the_model():
    rows, asked = orders.rows_of(2_000, 1), orders.rows_of(1_000, 2)
    question = Question("ltv", orders.FEATURES, 1)
    begun = opening_trees(question, rows, expectation(question, rows), 20)
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
