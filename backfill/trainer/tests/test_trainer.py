import json
from dataclasses import replace

import numpy as np
import pytest
import xgboost

from rescore_trainer.calibrate import platt
from rescore_trainer.contributions import contributions
from rescore_trainer.export import to_onnx
from rescore_trainer.fit import fit, trees_of
from rescore_trainer.golden import golden_lines, golden_vectors
from rescore_trainer.leaks import LeakError, find_leaks, refuse_leaks
from rescore_trainer.metrics import auc, calibration_error, normalised_gini, r2
from rescore_trainer.specification import BY_NAME

from conftest import FEATURES

CHURN = BY_NAME["churn"]


def test_finds_what_is_there(training, validation):
    found = auc(validation.label, fit(CHURN, training, 1).predict(validation.vectors))
    assert 0.7 < found < auc(validation.label, validation.truth)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_permuted_labels_teach_nothing(training, validation, seed):
    permuted = np.random.default_rng(seed).permutation(training.label)
    assert min(permuted.sum(), len(permuted) - permuted.sum()) >= 400
    assert min(validation.label.sum(), len(validation.label) - validation.label.sum()) >= 400
    # A scaling of noise may turn the order round; the trees alone are asked.
    specification = replace(CHURN, calibration_share=0.0)
    answers = fit(specification, replace(training, label=permuted), seed).predict(validation.vectors)
    assert abs(auc(validation.label, answers) - 0.5) <= 0.06


def test_a_feature_that_equals_the_label_is_named(training):
    vectors = training.vectors.copy()
    vectors[:, 3] = training.label
    leaking = replace(training, vectors=vectors)
    assert find_leaks(leaking, FEATURES) == ["feature_3"]
    with pytest.raises(LeakError, match="churn: feature_3 alone"):
        refuse_leaks("churn", leaking, FEATURES)


def test_a_feature_that_is_undefined_exactly_for_one_class_is_named(training):
    vectors = training.vectors.copy()
    vectors[:, 4] = np.where(training.label == 1, np.nan, 1.0)
    assert find_leaks(replace(training, vectors=vectors), FEATURES) == ["feature_4"]


def test_a_feature_that_equals_an_amount_is_named(training):
    amount = np.exp(np.random.default_rng(1).normal(size=len(training.label))).astype(np.float32)
    vectors = training.vectors.copy()
    vectors[:, 5] = 3 * amount**2
    assert find_leaks(replace(training, vectors=vectors, label=amount), FEATURES) == ["feature_5"]


def test_an_honest_set_has_no_leak(training):
    assert find_leaks(training, FEATURES) == []


def test_same_rows_and_seed_give_the_same_bytes(training, validation):
    def files(seed: int) -> tuple[str, bytes, str]:
        fitted = fit(CHURN, training, seed)
        model = trees_of(fitted, FEATURES)
        return json.dumps(model), to_onnx(model), golden_lines(fitted, golden_vectors(validation.vectors, model, seed))

    assert files(1) == files(1)
    assert files(1)[0] != files(2)[0]


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


@pytest.mark.parametrize("name", BY_NAME)
def test_trees_json_says_what_xgboost_answers(training, validation, name):
    fitted = fit(BY_NAME[name], training, 1)
    model = trees_of(fitted, FEATURES)
    vectors = golden_vectors(validation.vectors, model, 1)
    assert len(vectors) >= 50 and np.isnan(vectors).any()
    answers = fitted.predict(vectors)
    for x, answer in zip(vectors, answers):
        assert abs(walk(model, x) - answer) <= 1e-5 * max(1, abs(answer))


def test_platt_finds_the_scale_that_made_the_labels():
    random = np.random.default_rng(1)
    margin = random.normal(size=40_000)
    label = (random.random(40_000) < 1 / (1 + np.exp(-(0.5 * margin + 1)))).astype(float)
    scale, offset = platt(margin, label)
    assert abs(scale - 0.5) < 0.05 and abs(offset - 1) < 0.05


def test_metrics_on_cases_known_by_hand():
    label = np.array([0, 0, 1, 1.0])
    assert auc(label, np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert auc(label, np.full(4, 0.5)) == 0.5
    assert r2(label, label) == 1 and r2(label, np.full(4, 0.5)) == 0
    assert normalised_gini(np.array([1, 2, 3, 4.0]), np.array([1, 2, 3, 4.0])) == 1
    many = np.tile([0, 1.0], 500)
    assert calibration_error(many, np.full(1_000, 0.5)) == 0
    assert abs(calibration_error(many, np.full(1_000, 0.7)) - 0.2) < 1e-12


@pytest.mark.parametrize("name", BY_NAME)
def test_trees_json_given_back_to_xgboost_explains_as_the_fitted_model(training, validation, name):
    fitted = fit(BY_NAME[name], training, 1)
    model = trees_of(fitted, FEATURES)
    found = contributions(model, validation.vectors)
    expected = fitted.booster.predict(xgboost.DMatrix(validation.vectors), pred_contribs=True)
    assert np.abs(found - expected).max() <= 1e-5
