"""Fairness figures on groups whose treatment is known."""

import numpy as np
import pytest

from rescore_trainer.bootstrap import Bootstrap
from rescore_trainer.dataset import Rows
from rescore_trainer.fairness import fairness, for_manifest
from rescore_trainer.metrics import calibration_error, value_of

VALUES = {"gender": ["a", "b", "unknown"]}


def rows_of(seed: int = 1, count: int = 6_000) -> Rows:
    random = np.random.default_rng(seed)
    chance = random.random(count)
    label = (random.random(count) < chance).astype(float)
    groups = random.integers(3, size=(count, 1)).astype(np.int16)
    return Rows(np.zeros((count, 1), np.float32), label, np.arange(count), np.arange(count), np.ones(count), chance, groups)


def of(rows: Rows, score: np.ndarray) -> dict:
    return fairness(rows, score, VALUES, Bootstrap(rows, 1))["gender"]


def test_groups_that_are_treated_alike_keep_the_rule():
    rows = rows_of()
    found = of(rows, rows.truth)
    assert found["selectionRatio"] > 0.85 and found["equalizedOddsDifference"]["value"] < 0.06
    assert found["selectionRatioInterval"]["low"] < found["selectionRatio"] < found["selectionRatioInterval"]["high"]
    for group in found["groups"].values():
        assert group["calibrationError"] < 0.05
        assert 0.15 < group["selected"] < 0.25


def test_chance_explains_groups_drawn_by_lot_however_small_and_no_group_that_is_lowered():
    values = {"gender": ["a", "b", "c", "d", "e"]}
    for seed in range(5):
        rows = rows_of(seed, 1_100)
        groups = np.random.default_rng(seed).integers(5, size=(len(rows), 1)).astype(np.int16)
        small = Rows(**{**vars(rows), "groups": groups})
        by_lot = fairness(small, small.truth, values, Bootstrap(small, 1))["gender"]
        assert by_lot["selectionRatio"] < 0.95 and by_lot["selectionRatioChance"] > 0.01
        assert by_lot["equalizedOddsDifference"]["value"] > 0.03 and by_lot["equalizedOddsChance"] > 0.01
        assert by_lot["calibrationError"] > 0.05 and by_lot["calibrationErrorChance"] > 0.01
        lowered = np.where(groups[:, 0] == 1, small.truth * 0.6, small.truth)
        found = fairness(small, lowered, values, Bootstrap(small, 1))["gender"]
        for chance in ("selectionRatioChance", "equalizedOddsChance", "calibrationErrorChance"):
            assert found[chance] == 0.001


def test_many_rows_of_one_customer_are_one_draw():
    rows = rows_of(2, 900)
    often = Rows(**{name: np.repeat(value, 30, axis=0) for name, value in vars(rows).items()})
    assert of(often, often.truth)["selectionRatioChance"] == of(rows, rows.truth)["selectionRatioChance"]


def test_a_group_whose_scores_are_lowered_is_seen_in_every_figure():
    rows = rows_of()
    lowered = np.where(rows.groups[:, 0] == 1, rows.truth * 0.9, rows.truth)
    found = of(rows, lowered)
    assert found["selectionRatio"] < 0.7
    assert found["selectionRatioInterval"]["high"] < 0.8
    assert found["equalizedOddsDifference"]["low"] > 0.05
    assert found["groups"]["b"]["truePositiveRate"] < found["groups"]["a"]["truePositiveRate"]
    assert found["groups"]["b"]["meanScore"] < found["groups"]["b"]["meanLabel"] - 0.02


def test_a_group_whose_low_answers_are_too_high_is_seen_by_calibration_alone():
    rows = rows_of()
    raised = np.where((rows.groups[:, 0] == 1) & (rows.truth < 0.6), rows.truth + 0.15, rows.truth)
    found = of(rows, raised)
    assert found["calibrationError"] == found["groups"]["b"]["calibrationError"] > 0.07
    assert found["calibrationErrorChance"] == 0.001
    assert found["groups"]["a"]["calibrationError"] < 0.04
    assert found["selectionRatio"] > 0.85 and found["equalizedOddsChance"] > 0.01


def test_the_calibration_error_of_all_rows_is_that_of_the_model():
    rows = rows_of()
    score = np.round(rows.truth, 2) * 0.8
    everybody = Rows(**{**vars(rows), "groups": np.where(np.arange(len(rows)) < 300, 0, 1).astype(np.int16)[:, None]})
    groups = of(everybody, score)["groups"]
    shares = {value: group["rows"] / len(rows) for value, group in groups.items()}
    assert sum(shares.values()) == 1
    whole = value_of(calibration_error, rows.label, score)
    # A gap of both is at most the gaps of each.
    assert sum(shares[value] * group["calibrationError"] for value, group in groups.items()) >= whole - 1e-3
    assert groups["b"]["calibrationError"] == pytest.approx(whole, rel=0.05)


def test_the_unknown_are_shown_and_are_no_group():
    rows = rows_of()
    found = of(rows, np.where(rows.groups[:, 0] == 2, rows.truth * 0.1, rows.truth))
    assert found["groups"]["unknown"]["selected"] == 0
    assert found["selectionRatio"] > 0.85


def test_too_few_rows_are_no_group():
    rows = rows_of()
    few = np.where(np.arange(len(rows)) < 150, 0, 1).astype(np.int16)[:, None]
    few_rows = Rows(**{**vars(rows), "groups": few})
    assert fairness(few_rows, rows.truth, VALUES, Bootstrap(rows, 1)) == {}


@pytest.mark.parametrize("label", ["share", "amount"])
def test_labels_that_are_no_class_have_odds_too(label):
    rows = rows_of()
    values = rows.truth if label == "share" else np.where(rows.truth > 0.7, rows.truth * 100, 0)
    found = of(Rows(**{**vars(rows), "label": values}), rows.truth)
    assert found["equalizedOddsDifference"]["value"] < 0.1


def test_the_manifest_takes_what_the_gate_judges_by():
    rows = rows_of()
    report = of(rows, np.where(rows.groups[:, 0] == 1, rows.truth * 0.9, rows.truth))
    found = for_manifest({"gender": report})["gender"]
    assert set(found) == {
        "selectionRatio", "selectionRatioChance", "equalizedOddsDifference", "equalizedOddsChance", "calibrationError",
        "calibrationErrorChance", "groups",
    }
    assert found["equalizedOddsDifference"] == pytest.approx(report["equalizedOddsDifference"]["value"], abs=1e-4)
    assert found["equalizedOddsChance"] == 0.001
    for value, group in found["groups"].items():
        assert set(group) == {
            "rows", "meanScore", "meanLabel", "selected", "truePositiveRate", "falsePositiveRate", "calibrationError",
        }
        assert group.items() <= report["groups"][value].items()


def test_odds_that_cannot_be_told_are_none_and_not_zero():
    rows = rows_of()
    rare = np.where(np.arange(len(rows)) % 600 == 0, 1.0, 0.0)
    common = Rows(**{**vars(rows), "label": 1 - rare})
    some = for_manifest({"gender": of(common, rows.truth)})["gender"]
    assert some["equalizedOddsDifference"] is not None
    one_sided = np.where(rows.groups[:, 0] == 0, rare, 1 - rare)
    apart = for_manifest({"gender": of(Rows(**{**vars(rows), "label": one_sided}), rows.truth)})["gender"]
    assert apart["equalizedOddsDifference"] is None and apart["equalizedOddsChance"] is None
