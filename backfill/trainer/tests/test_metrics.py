"""Metrics on cases known by hand, and what resampling must keep."""

import numpy as np
import pytest

from rescore_trainer import metrics
from rescore_trainer.bootstrap import Bootstrap, differences, figures
from rescore_trainer.curves import curves
from rescore_trainer.metrics import METRICS, auc, calibration_error, lift, mean_ratio, normalised_gini, r2, value_of


def test_metrics_on_cases_known_by_hand():
    label = np.array([0, 0, 1, 1.0])
    assert value_of(auc, label, np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert value_of(auc, label, np.full(4, 0.5)) == 0.5
    assert value_of(r2, label, label) == 1 and value_of(r2, label, np.full(4, 0.5)) == 0
    assert value_of(mean_ratio, label, np.full(4, 1.0)) == 2
    assert abs(value_of(normalised_gini, np.array([1, 2, 3, 4.0]), np.array([1, 2, 3, 4.0])) - 1) < 1e-12
    assert abs(value_of(normalised_gini, np.array([1, 2, 3, 4.0]), -np.array([1, 2, 3, 4.0])) + 1) < 1e-12
    assert abs(value_of(normalised_gini, np.array([1, 2, 3, 4.0]), np.zeros(4))) < 1e-12
    tenth = np.arange(100.0)
    assert value_of(lift, (tenth >= 90).astype(float), tenth) == 10
    assert value_of(lift, (tenth >= 90).astype(float), np.zeros(100)) == pytest.approx(1)
    many = np.tile([0, 1.0], 500)
    assert value_of(calibration_error, many, np.full(1_000, 0.5)) == 0
    assert abs(value_of(calibration_error, many, np.full(1_000, 0.7)) - 0.2) < 1e-12


def naive_auc(label, score):
    pairs = [(one > other) + (one == other) / 2 for one in score[label > 0.5] for other in score[label <= 0.5]]
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(20))
def test_auc_is_the_share_of_pairs_in_the_right_order(seed):
    random = np.random.default_rng(seed)
    label = random.integers(2, size=60).astype(float)
    score = random.integers(8, size=60).astype(float)
    assert value_of(auc, label, score) == pytest.approx(naive_auc(label, score))


ALL = {name: metric for of_model in METRICS.values() for name, metric in of_model.items()}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(5))
def test_a_row_that_counts_twice_is_a_row_that_is_there_twice(name, seed):
    random = np.random.default_rng(seed)
    label = random.integers(2, size=400).astype(float)
    score = random.permutation(np.linspace(0.01, 0.99, 400))
    counts = random.integers(3, size=400)
    repeated = np.repeat(np.arange(400), counts)
    found = ALL[name](label, score)(counts.astype(float))
    expected = value_of(ALL[name], label[repeated], score[repeated])
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["auc", "gini", "lift"])
def test_the_order_of_rows_and_a_rising_scale_change_nothing(name):
    random = np.random.default_rng(1)
    label, score = random.integers(2, size=500).astype(float), random.integers(50, size=500) / 50
    order = random.permutation(500)
    assert value_of(ALL[name], label, score) == pytest.approx(value_of(ALL[name], label[order], np.exp(3 * score[order])))


def test_an_interval_of_whole_customers_is_wider_than_one_of_rows(training):
    class Repeated:
        customers, label = np.repeat(np.arange(200), 20), np.repeat(training.label[:200], 20)

    class Apart:
        customers, label = np.arange(4_000), Repeated.label

    score = np.repeat(training.truth[:200], 20)
    width = [
        figures({"auc": Bootstrap(rows, 1).values(auc, score)})["auc"] for rows in (Repeated, Apart)
    ]
    assert width[0]["high"] - width[0]["low"] > 3 * (width[1]["high"] - width[1]["low"])


def test_differences_are_paired(validation):
    bootstrap = Bootstrap(validation, 1)
    ours = bootstrap.samples(METRICS["churn"], validation.truth)
    assert all(found == {"value": 0, "low": 0, "high": 0} for found in differences(ours, ours).values())
    worse = bootstrap.samples(METRICS["churn"], validation.truth**3)
    assert differences(ours, worse)["auc"]["value"] == 0
    assert differences(ours, worse)["logLoss"]["high"] < 0


def test_calibration_of_the_truth_is_small_and_of_a_wrong_scale_is_not(validation):
    assert value_of(calibration_error, validation.label, validation.truth) < 0.04
    assert value_of(calibration_error, validation.label, validation.truth / 2) > 0.2


def test_the_gain_rises_to_all_of_it_and_answers_in_bins_rise(validation):
    found = curves(validation.label, validation.truth)
    gains = [point["gain"] for point in found["lift"]]
    assert gains == sorted(gains) and gains[-1] == 1 and found["lift"][-1]["share"] == 1
    assert [point["score"] for point in found["calibration"]] == sorted(point["score"] for point in found["calibration"])
    assert sum(point["rows"] for point in found["calibration"]) == len(validation.label)


def test_the_deviance_of_amounts_is_least_for_the_true_mean():
    random = np.random.default_rng(1)
    mean = np.exp(random.normal(size=50_000))
    label = (random.random(50_000) < 0.4) * random.gamma(2, mean / 0.8)
    losses = [value_of(metrics.tweedie_deviance, label, mean * factor) for factor in (0.8, 1, 1.25)]
    assert losses[1] == min(losses)
