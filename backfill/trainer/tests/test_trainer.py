"""Laws of fitting: it finds what is there, nothing where nothing is, and says the same again."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import xgboost

import synthetic
from rescore_trainer.calibrate import balance, platt
from rescore_trainer.contributions import contributions, hard_vectors
from rescore_trainer.dataset import Rows, read_dataset
from rescore_trainer.errors import TrainingError
from rescore_trainer.export import answers_of, check_parity, to_onnx
from rescore_trainer.families.choice import FAMILIES, choose, fit_chosen
from rescore_trainer.families.ensemble import SHARED
from rescore_trainer.families.family import Found, Question, Trial
from rescore_trainer.families.orders import Orders
from rescore_trainer.families.search import inner_split
from rescore_trainer.golden import golden_lines, golden_vectors
from rescore_trainer.leaks import LeakError, refuse_leaks, strengths
from rescore_trainer.metrics import auc, calibration_error, value_of

from conftest import FEATURES, make_rows

#: The family of orders has tests of its own (test_order_graph.py): these rows hold no orders.
EVERY = [(model, family) for model, families in FAMILIES.items() for family in families if not isinstance(family, Orders)]
NAMES = [f"{model} {family.name}" for model, family in EVERY]


def quiet(line: str) -> None:
    pass


def question(model: str, seed: int = 1) -> Question:
    return Question(model, FEATURES, seed)


def parameters_of(model: str, family, trees: int = 40) -> dict:
    """The family's first try, with few trees."""
    first = {**SHARED, **family.base}
    if family.name == "zero-inflated":
        return {**first, "chance_trees": trees, "amount_trees": trees}
    return {**first, "objective": family.objective, "trees": trees}


def as_asked(model: str, rows: Rows) -> Rows:
    """Labels in the unit of the question: shares, classes, amounts with many zeros."""
    if model != "ltv":
        return rows
    amount = rows.label * np.exp(np.nan_to_num(rows.vectors[:, 2].astype(float)))
    return replace(rows, label=amount)


def fitted(model: str, family, rows: Rows, trees: int = 40):
    return family.fit(question(model), as_asked(model, rows), parameters_of(model, family, trees))


def test_finds_what_is_there(training, validation):
    found = fit_chosen(question("churn"), training, quiet)[1].predict(validation.vectors)
    assert 0.7 < value_of(auc, validation.label, found) < value_of(auc, validation.label, validation.truth)
    assert value_of(calibration_error, validation.label, found) < 0.05


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_permuted_labels_teach_nothing(training, validation, seed):
    permuted = np.random.default_rng(seed).permutation(training.label)
    assert min(permuted.sum(), len(permuted) - permuted.sum()) >= 400
    assert min(validation.label.sum(), len(validation.label) - validation.label.sum()) >= 400
    # A scaling of noise may turn the order round; the trees alone are asked.
    family = replace(FAMILIES["churn"][0], calibration_folds=0)
    answers = fitted("churn", family, replace(training, label=permuted), 60).predict(validation.vectors)
    assert abs(value_of(auc, validation.label, answers) - 0.5) <= 0.06


def test_a_row_of_no_weight_teaches_nothing(training, validation):
    """Half of the rows say the opposite; with hardly any weight they are not heard."""
    wrong = np.arange(len(training)) % 2 == 0
    rows = replace(
        training,
        label=np.where(wrong, 1 - training.label, training.label),
        weight=np.where(wrong, 1e-6, 1.0),
    )
    # A scaling of noise may turn the order round; the trees alone are asked.
    family = replace(FAMILIES["churn"][0], calibration_folds=0)
    heard = fitted("churn", family, replace(rows, weight=np.ones(len(rows)))).predict(validation.vectors)
    assert value_of(auc, validation.label, heard) < 0.6
    unheard = fitted("churn", family, rows).predict(validation.vectors)
    assert value_of(auc, validation.label, unheard) > 0.75


def test_an_answer_that_must_rise_rises(training):
    """The label depends on the first feature upwards: so do the mean answers."""
    answers = fitted("churn", FAMILIES["churn"][0], training).predict
    steps = np.zeros((9, len(FEATURES)), dtype=np.float32)
    steps[:, 0] = np.linspace(-2, 2, 9)
    found = answers(steps)
    assert found[-1] - found[0] > 0.6
    assert (np.diff(found) > -0.05).all()


def test_the_inner_split_is_by_customer():
    rows = make_rows(3_000, 1)
    rows = replace(rows, customers=np.arange(3_000) // 10 % 97)
    split = inner_split(rows, 1)
    assert not np.intersect1d(split.learn.customers, split.choose.customers).size
    assert len(split.learn) + len(split.choose) == len(rows)
    assert 0.2 < len(split.choose) / len(rows) < 0.4


def test_the_search_keeps_the_best_try_and_the_trees_stay_few(training):
    for model in ("engagement", "churn"):
        _family, best, every = choose(question(model), as_asked(model, training), quiet)
        assert best.best.loss == min(trial.loss for found in every for trial in found.trials)
        assert len(best.trials) == 6
        assert all(trial.parameters["max_depth"] <= 4 and 1 <= trial.parameters["trees"] <= 200 for trial in best.trials)


def test_a_feature_that_equals_the_label_is_named(training):
    vectors = training.vectors.copy()
    vectors[:, 3] = training.label
    found = strengths(replace(training, vectors=vectors), FEATURES)
    assert found[0] == {"feature": "feature_3", "measure": "auc", "value": 1.0}
    with pytest.raises(LeakError, match="churn: feature_3 alone"):
        refuse_leaks("churn", found)


def test_a_feature_that_is_undefined_exactly_for_one_class_is_named(training):
    vectors = training.vectors.copy()
    vectors[:, 4] = np.where(training.label == 1, np.nan, 1.0)
    with pytest.raises(LeakError, match="churn: feature_4 alone"):
        refuse_leaks("churn", strengths(replace(training, vectors=vectors), FEATURES))


def test_a_feature_that_equals_an_amount_is_named(training):
    amount = np.exp(np.random.default_rng(1).normal(size=len(training.label))).astype(np.float32)
    vectors = training.vectors.copy()
    vectors[:, 5] = 3 * amount**2
    with pytest.raises(LeakError, match="ltv: feature_5 alone"):
        refuse_leaks("ltv", strengths(replace(training, vectors=vectors, label=amount), FEATURES))


def test_an_honest_set_has_no_leak(training):
    found = strengths(training, FEATURES)
    refuse_leaks("churn", found)
    assert [each["feature"] for each in found[:2]] == ["feature_0", "feature_1"]


@pytest.mark.parametrize("model, family", EVERY, ids=NAMES)
def test_same_rows_and_seed_give_the_same_bytes(training, validation, model, family):
    def files(seed: int) -> tuple[bytes, str]:
        found = family.fit(question(model, seed), as_asked(model, training), parameters_of(model, family))
        golden = golden_vectors(validation.vectors, found.splits(), seed)
        return found.onnx(), golden_lines(golden, found.predict(golden))

    assert files(1) == files(1)
    assert files(1)[0] != files(2)[0]


@pytest.mark.parametrize("model, family", EVERY, ids=NAMES)
def test_the_runtime_answers_as_the_fitted_model_on_thresholds_and_without_values(training, validation, model, family):
    found = fitted(model, family, training)
    golden = golden_vectors(validation.vectors, found.splits(), 1)
    assert len(golden) >= 50 and np.isnan(golden).any()
    thresholds = {(feature, np.float32(threshold)) for feature, threshold in found.splits()}
    on = [sum((feature, value) in thresholds for feature, value in enumerate(row)) for row in golden]
    assert sum(count > 0 for count in on) >= 24
    vectors = golden
    if found.trees() is not None:
        vectors = np.vstack([golden, hard_vectors(found.trees(), 5_000, 1)])
    check_parity(found.onnx(), vectors, found.predict(vectors), model)
    # In another batch size, too.
    one_by_one = [answers_of(found.onnx(), row[None])[0] for row in golden[:10]]
    assert one_by_one == pytest.approx(found.predict(golden[:10]), rel=1e-5, abs=1e-5)


def test_a_graph_that_answers_otherwise_is_refused(training, validation):
    found = fitted("churn", FAMILIES["churn"][0], training)
    model = found.trees()
    model["trees"][0]["value"] = [value + 0.01 if value else value for value in model["trees"][0]["value"]]
    with pytest.raises(TrainingError, match="golden vector"):
        check_parity(to_onnx("churn", [model]), validation.vectors, found.predict(validation.vectors), "churn")


def test_golden_vectors_tell_less_from_less_or_equal(training, validation):
    """Ordinary rows would not: hardly any lies on a threshold."""
    found = fitted("churn", FAMILIES["churn"][0], training)
    proto = onnx.load_model_from_string(found.onnx())
    modes = next(each for each in proto.graph.node[0].attribute if each.name == "nodes_modes")
    modes.strings[:] = [b"BRANCH_LEQ" if mode == b"BRANCH_LT" else mode for mode in modes.strings]
    wrong = proto.SerializeToString()
    golden = golden_vectors(validation.vectors, found.splits(), 1)
    with pytest.raises(TrainingError, match="golden vector"):
        check_parity(wrong, golden, found.predict(golden), "churn")
    check_parity(wrong, validation.vectors, found.predict(validation.vectors), "churn")


def walk(model: dict, x: np.ndarray) -> float:
    margin = model["base"]
    for tree in model["trees"]:
        node = 0
        while tree["feature"][node] >= 0:
            value = x[tree["feature"][node]]
            if np.isnan(value):
                node = tree["missing"][node]
            else:
                node = tree["yes"][node] if value < np.float32(tree["threshold"][node]) else tree["no"][node]
        margin += tree["value"][node]
    margin = model["scale"] * margin + model["offset"]
    return float(np.exp(margin) if model["link"] == "exp" else 1 / (1 + np.exp(-margin)))


EXPLAINED = [(model, family) for model, family in EVERY if family.explained]


@pytest.mark.parametrize("model, family", EVERY, ids=NAMES)
def test_a_family_has_trees_or_says_that_it_has_none(training, model, family):
    assert (fitted(model, family, training, 3).trees() is not None) == family.explained


@pytest.mark.parametrize("model, family", EXPLAINED)
def test_trees_json_says_what_xgboost_answers(training, validation, model, family):
    found = fitted(model, family, training)
    vectors = golden_vectors(validation.vectors, found.splits(), 1)
    for x, answer in zip(vectors, found.predict(vectors)):
        assert abs(walk(found.trees(), x) - answer) <= 1e-5 * max(1, abs(answer))


@pytest.mark.parametrize("model, family", EXPLAINED)
def test_trees_json_given_back_to_xgboost_explains_as_the_fitted_model(training, validation, model, family):
    found = fitted(model, family, training)
    expected = found.ensemble.booster.predict(xgboost.DMatrix(validation.vectors), pred_contribs=True)
    assert np.abs(contributions(found.trees(), validation.vectors) - expected).max() <= 1e-5


@pytest.mark.parametrize("model, family", [each for each in EVERY if each[0] == "ltv"])
def test_amounts_sum_up_to_what_came(training, model, family):
    rows = as_asked("ltv", replace(training, weight=np.linspace(0.5, 1.5, len(training))))
    found = family.fit(question("ltv"), rows, parameters_of("ltv", family))
    predicted = np.average(found.predict(rows.vectors), weights=rows.weight)
    assert predicted == pytest.approx(np.average(rows.label, weights=rows.weight), rel=1e-4)


def test_a_family_without_trees_must_be_clearly_better(training, monkeypatch):
    def with_losses(explained: float, unexplained: float) -> str:
        losses = {"tweedie": explained, "zero-inflated": unexplained, "bg-nbd": 2.0}
        for family in FAMILIES["ltv"]:
            monkeypatch.setattr(type(family), "search", lambda self, *_: Found(self.name, Trial({}, losses[self.name])))
        return choose(question("ltv"), as_asked("ltv", training), quiet)[0].name

    assert with_losses(1.0, 0.98) == "tweedie"
    assert with_losses(1.0, 0.96) == "zero-inflated"


def test_platt_finds_the_scale_that_made_the_labels():
    random = np.random.default_rng(1)
    margin = random.normal(size=40_000)
    label = (random.random(40_000) < 1 / (1 + np.exp(-(0.5 * margin + 1)))).astype(float)
    scale, offset = platt(margin, label, np.ones(40_000))
    assert abs(scale - 0.5) < 0.05 and abs(offset - 1) < 0.05


def test_platt_refuses_a_margin_that_orders_nothing():
    margin = np.linspace(-1, 1, 1_000)
    with pytest.raises(TrainingError, match="do not order the label"):
        platt(margin, (margin < 0).astype(float) * (np.arange(1_000) % 3 > 0), np.ones(1_000))


def test_balance_is_the_log_of_what_is_missing():
    assert balance(np.array([1.0, 3.0]), np.array([2.0, 6.0]), np.ones(2)) == pytest.approx(np.log(2))


def test_a_booster_of_one_leaf_is_exported(training, validation):
    """Early stopping on noise can leave trees that never ask."""
    family = FAMILIES["churn"][0]
    parameters = {**parameters_of("churn", family, 2), "min_child_weight": 1e9}
    found = replace(family, calibration_folds=0).fit(question("churn"), training, parameters)
    assert found.splits() == []
    golden = golden_vectors(validation.vectors, found.splits(), 1)
    assert len(golden) >= 50
    check_parity(found.onnx(), golden, found.predict(golden), "churn")


def test_golden_lines_are_exact(validation):
    vectors = validation.vectors[:3]
    lines = [json.loads(line) for line in golden_lines(vectors, np.zeros(3, np.float32)).splitlines()]
    back = np.array([[np.nan if value is None else value for value in line["x"]] for line in lines], dtype=np.float32)
    assert np.array_equal(back, vectors, equal_nan=True)
