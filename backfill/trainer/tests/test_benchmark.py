"""The benchmark's own parts: histories from vectors, families, intervals."""

import numpy as np
import pytest

from rescore_benchmark.candidates import Boosting, boosted_revenue, boosted_silence, corrected, expected, out_of_fold
from rescore_benchmark.cdnow_predict import best
from rescore_benchmark.cdnow_rows import Rows
from rescore_benchmark.intervals import difference, figure, resamples
from rescore_benchmark.metrics import auc
from rescore_trainer.order_histories import bounds, order_histories

FEATURES = [
    "order_days_lifetime",
    "order_gap_mean_days",
    "days_since_last_order",
    "days_since_first_order",
    "revenue_lifetime",
]


def stepped(age: np.ndarray) -> np.ndarray:
    return np.where(age <= 30, age, np.where(age <= 365, 31 + 7 * ((age - 31) // 7), 366 + 30 * ((age - 366) // 30)))


def make_vectors(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    age = random.integers(0, 900, count)
    repeats = np.where(age > 0, random.poisson(0.8, count), 0)
    recency = np.where(repeats > 0, np.maximum(1, (age * random.random(count)).astype(int)), 0)
    gap = np.where(repeats > 0, recency / np.maximum(repeats, 1), np.nan)
    columns = [repeats + 1, gap, stepped(age - recency), stepped(age), 20.0 * (repeats + 1)]
    return np.column_stack(columns).astype(np.float32), repeats, recency, age


def test_histories_are_read_back_from_the_vector_as_exactly_as_its_steps_allow():
    vectors, repeats, recency, age = make_vectors(5_000, 1)
    seen, orders, mean_value = order_histories(vectors, FEATURES)
    assert np.array_equal(seen.repeats, repeats) and np.array_equal(orders, repeats + 1)
    assert seen.recency == pytest.approx(recency, abs=1e-2)
    assert mean_value == pytest.approx(20.0)
    widths = np.where(age <= 30, 0, np.where(age <= 365, 6, 29))
    assert np.all(np.abs(seen.age - age) <= widths / 2 + 1e-2)
    assert abs((seen.age - age).mean()) < 1
    low, high = bounds(stepped(np.arange(0, 1_460)))
    assert np.all(low <= np.arange(0, 1_460)) and np.all(np.arange(0, 1_460) <= high)
    with pytest.raises(ValueError, match="order_days_lifetime 0"):
        order_histories(np.zeros((1, 5), dtype=np.float32), FEATURES)


def make_rows(count: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    vectors, repeats, _, _ = make_vectors(count, seed)
    wanted = 5.0 * (1 + repeats)
    label = random.gamma(0.5, 2 * wanted * 1.3)
    return Rows(FEATURES, vectors, np.arange(count), np.full(count, 90.0), label, wanted)


def test_a_corrected_family_has_the_right_total_and_keeps_the_order():
    rows = make_rows(4_000, 2)
    answers = corrected(rows, 1)(rows)
    assert answers.sum() == pytest.approx(rows.label.sum())
    assert np.array_equal(np.argsort(answers, kind="stable"), np.argsort(rows.expected, kind="stable"))


def test_answers_out_of_fold_have_not_seen_their_customer():
    rows = make_rows(1_000, 3)

    def memory(known: Rows, _seed: int):
        seen = set(known.customers.tolist())
        return lambda asked: np.array([float(one in seen) for one in asked.customers.tolist()])

    assert not out_of_fold(memory, rows, 1).any()


def test_boosting_on_top_starts_from_what_is_expected_and_repeats_itself():
    rows = make_rows(2_000, 4)
    tiny = Boosting({"objective": "reg:tweedie", "tweedie_variance_power": 1.5, "max_depth": 2, "eta": 0.0}, 1)
    assert boosted_revenue(tiny, 1.0)(rows, 1)(rows) == pytest.approx(corrected(rows, 1)(rows), rel=1e-4)
    some = Boosting({"objective": "reg:tweedie", "tweedie_variance_power": 1.5, "max_depth": 2, "eta": 0.1}, 10)
    answers = [boosted_revenue(some, 0.5)(rows, 7)(rows) for _ in range(2)]
    assert np.array_equal(*answers)


def test_permuted_labels_teach_nothing():
    rows = make_rows(4_000, 5)
    random = np.random.default_rng(6)
    label = (random.random(4_000) < 0.4).astype(float)
    silent = Rows(rows.features, rows.vectors, rows.customers, rows.days, label, np.full(4_000, 0.4))
    boosting = Boosting({"objective": "binary:logistic", "max_depth": 3, "eta": 0.05, "min_child_weight": 50}, 50)
    assert abs(auc(label, out_of_fold(boosted_silence(boosting, False), silent, 1)) - 0.5) <= 0.06


def test_a_family_with_a_wrong_total_and_a_baseline_do_not_win():
    measured = {
        "BG/NBD": {"r2": 0.9, "sumRatio": 1.0},
        "far off": {"r2": 0.8, "sumRatio": 0.85},
        "ours": {"r2": 0.5, "sumRatio": 0.95},
    }
    assert best(measured, "r2", 1) == "ours"
    assert expected(make_rows(3, 1), 1)(make_rows(3, 1)) == pytest.approx(make_rows(3, 1).expected)


def test_intervals_cover_and_differences_are_paired():
    random = np.random.default_rng(7)
    label = (random.random(2_000) < 0.5).astype(float)
    good, bad = label + random.normal(size=2_000), label + 3 * random.normal(size=2_000)
    samples = resamples(np.arange(2_000)[:, None], 1, 100)
    one = figure(auc, label, good, samples)
    assert one["low"] < one["value"] < one["high"]
    assert difference(auc, label, good, bad, samples)["low"] > 0
    same = difference(auc, label, good, good, samples)
    assert (same["low"], same["value"], same["high"]) == (0, 0, 0)
