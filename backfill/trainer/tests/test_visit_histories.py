"""What models of visits read from a vector."""

import numpy as np
import pytest

from rescore_trainer.visit_histories import ACTIVE_DAYS, NEEDED, visit_histories

FEATURES = [*NEEDED, "active_days_last_26_weeks", "active_days_last_52_weeks"]


def vector(**known: float) -> np.ndarray:
    return np.array([[known.get(name, 0.0) for name in FEATURES]], dtype=np.float32)


def test_windows_hold_what_their_predecessors_do_not():
    seen = visit_histories(
        vector(
            sessions_last_7_days=3,
            sessions_last_30_days=10,
            active_days_last_30_days=8,
            active_days_last_90_days=12,
            active_days_last_26_weeks=15,
            active_days_last_52_weeks=15,
            last_login_days_ago=2,
            tenure_months=10,
        ),
        FEATURES,
    )
    assert list(seen.edges) == [0, 7.5, 30.5, *ACTIVE_DAYS.values()]
    # -60 ln(1 - 4/60) visits make 4 of 60 days.
    assert seen.counts[0] == pytest.approx([3, 7, 4.14, 3.05, 0], abs=0.01)
    assert seen.last[0] == 2 and seen.age[0] == pytest.approx(319, abs=1)


def test_without_the_weeks_windows_end_after_90_days():
    seen = visit_histories(vector(tenure_months=10)[:, : len(NEEDED)], list(NEEDED))
    assert seen.counts.shape == (1, 3) and seen.edges[-1] == 90.5


def test_ages_are_the_middle_of_their_step_and_nobody_is_seen_longer_than_the_archive():
    seen = visit_histories(vector(last_login_days_ago=31, tenure_months=40), FEATURES, 200.0)
    assert seen.last[0] == 34 and seen.age[0] == 200
    assert np.isnan(visit_histories(vector(last_login_days_ago=np.nan), FEATURES).last[0])


def test_the_last_activity_decides_where_counts_contradict_it():
    seen = visit_histories(vector(sessions_last_7_days=5, sessions_last_30_days=5, last_login_days_ago=60, tenure_months=0), FEATURES)
    assert list(seen.counts[0]) == [0, 0, 1, 0, 0]
    assert seen.age[0] > 60
