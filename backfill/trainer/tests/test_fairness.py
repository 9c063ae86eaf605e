"""Fairness figures on groups whose treatment is known."""

import numpy as np
import pytest

from rescore_trainer.bootstrap import Bootstrap
from rescore_trainer.dataset import Rows
from rescore_trainer.fairness import fairness, for_manifest

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
        lowered = np.where(groups[:, 0] == 1, small.truth * 0.7, small.truth)
        assert fairness(small, lowered, values, Bootstrap(small, 1))["gender"]["selectionRatioChance"] == 0.001


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


def test_the_manifest_takes_its_part_only():
    rows = rows_of()
    found = for_manifest({"gender": of(rows, rows.truth)})["gender"]
    assert set(found) == {"selectionRatio", "selectionRatioChance", "groups"}
    assert all(set(group) == {"rows", "meanScore", "meanLabel", "selected"} for group in found["groups"].values())
