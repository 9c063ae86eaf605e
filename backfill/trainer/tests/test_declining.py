"""Rates that decline, against numerical integration and against populations with known parameters."""

import warnings

import numpy as np
import pytest
from scipy.stats import expon, gamma

from rescore_trainer.declining import CHUNK, DECLINES, Declining, Visits, fit_declining

EDGES = np.array([0, 7.5, 30.5, 90.5, 185.5, 367.5])
#: Of the sums of `naive`, in days.
STEP = 0.5
#: A visit in four days; half a year until a decline.
TRUTH = Declining(r=1.6, alpha=6.4, hazard=1 / 150, gradual=0.6, pace=18.0)
SMALL = Visits(
    np.array([[2, 3, 5, 0, 0], [0, 1, 9, 4, 0], [0, 0, 2, 12, 20], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0.0]]),
    EDGES,
    np.array([2.0, 12, 60, np.nan, 100]),
    np.array([80.0, 180, 360, 40, 300]),
)


def simulate(customers: int, model: Declining, days: int, seed: int) -> tuple[Visits, np.ndarray]:
    """Histories in continuous time, and the days of the next `days` that have a visit [N, days]."""
    random = np.random.default_rng(seed)
    age = random.uniform(40, 400, customers)
    rate = random.gamma(model.r, 1 / model.alpha, customers)
    begin = age - random.exponential(1 / model.hazard, customers)
    pace = np.where(random.random(customers) < model.gradual, random.exponential(model.pace, customers), 1e-3)
    # In steps of half a day, days before now.
    at = np.arange(399.75, -days, -0.5)[None, :]
    left = np.exp(-np.maximum(begin[:, None] - at, 0) / pace[:, None]) * (at < age[:, None])
    came = random.poisson(rate[:, None] * left / 2)
    past, later = at[0] > 0, at[0] < 0
    counts = [came[:, past & (at[0] >= low) & (at[0] < high)].sum(axis=1) for low, high in zip(EDGES, EDGES[1:])]
    seen = came[:, past] > 0
    last = np.where(seen.any(axis=1), at[0][past][past.sum() - 1 - np.argmax(seen[:, ::-1], axis=1)], np.nan)
    # Windows end after a year: older visits are known by the last one alone.
    histories = Visits(np.column_stack(counts).astype(float), EDGES, last, age)
    return histories, (came[:, later] > 0).reshape(customers, days, 2).any(axis=2)


def naive(model: Declining, seen: Visits, row: int, begin: float, end: float) -> tuple[float, float]:
    """Likelihood up to a constant of the counts, and P(no visit from `begin` to `end`): sums over rates, first days and paces."""
    counts, last, age = seen.counts[row], seen.last[row], seen.age[row]
    rates = gamma.ppf((np.arange(200) + 0.5) / 200, model.r, scale=1 / model.alpha)
    paces = [1e-3, *expon.ppf((np.arange(20) + 0.5) / 20, scale=model.pace)]
    starts = (np.arange(-400, age, STEP) + STEP / 2)[:, None]
    prior = np.exp(-model.hazard * (age - starts[:, 0])) * model.hazard * STEP
    time = np.arange(0, min(age, EDGES[-1]), STEP) + STEP / 2
    ahead = -(np.arange(begin, end, STEP) + STEP / 2)
    total = silent = 0.0
    for pace, share in zip(paces, [1 - model.gradual, *[model.gradual / 20] * 20]):

        def exposures(at: np.ndarray) -> np.ndarray:
            return np.exp(-np.maximum(starts - at, 0) / pace).sum(axis=1) * STEP

        density, visits = np.ones(len(starts)), 0.0
        if not np.isnan(last):
            density, visits = np.exp(-np.maximum(starts[:, 0] - last, 0) / pace), 1.0
            for low, high, count in zip(EDGES, EDGES[1:], counts):
                others = count - (low <= last < high)
                if others > 0:
                    density = density * exposures(time[(time >= max(low, last)) & (time < high)]) ** others
                    visits += others
        each = (share * prior * density)[:, None] * rates**visits * np.exp(-rates * exposures(time)[:, None])
        total += each.mean(axis=1).sum()
        silent += (each * np.exp(-rates * exposures(ahead)[:, None])).mean(axis=1).sum()
    return total, silent / total


@pytest.mark.parametrize("row", range(len(SMALL)))
def test_it_is_what_a_sum_over_rates_and_declines_gives(row):
    """First days and paces are cells here, and fine there: P is within 0.015 and the likelihood within a tenth."""
    total, silence = naive(TRUTH, SMALL, row, 0, 30)
    nobody, _ = naive(TRUTH, SMALL, 3, 0, 30)
    found = TRUTH.log_likelihoods(SMALL)
    assert found[row] - found[3] == pytest.approx(np.log(total / nobody), abs=0.1)
    assert TRUTH.no_visit(SMALL, 30)[row] == pytest.approx(silence, abs=0.015)
    day = naive(TRUTH, SMALL, row, 14.5, 15.5)[1]
    assert TRUTH.silence(SMALL, np.array([14.5]), np.array([15.5]))[row, 0] == pytest.approx(day, abs=0.015)


def test_without_declines_it_is_a_gamma_rate():
    """NBD: n visits in t days leave the rate a Gamma(r + n, alpha + t)."""
    steady = Declining(r=1.6, alpha=6.4, hazard=1e-9, gradual=0.5, pace=10.0)
    n, t = SMALL.counts.sum(axis=1), np.minimum(SMALL.age, EDGES[-1])
    expected = ((steady.alpha + t) / (steady.alpha + t + 30)) ** (steady.r + n)
    np.testing.assert_allclose(steady.no_visit(SMALL, 30), expected, rtol=1e-4)


def test_parameters_that_made_the_histories_are_found():
    seen, _ = simulate(2_500, TRUTH, 1, 1)
    found = fit_declining(seen)
    assert found.r == pytest.approx(TRUTH.r, rel=0.15)
    assert found.r / found.alpha == pytest.approx(TRUTH.r / TRUTH.alpha, rel=0.1)
    assert found.hazard == pytest.approx(TRUTH.hazard, rel=0.2)
    # A fast fading end looks like a sudden one: what both say together is known better than each.
    assert found.gradual * found.pace == pytest.approx(TRUTH.gradual * TRUTH.pace, rel=0.3)
    assert found.log_likelihoods(seen).sum() >= TRUTH.log_likelihoods(seen).sum() - 0.01
    few = seen.where(slice(300))
    assert fit_declining(few) == fit_declining(few)


def test_what_is_promised_comes():
    """Tenth by tenth of the answers, and among those who have stopped, who came seldom, and who are new."""
    seen, later = simulate(20_000, TRUTH, 30, 2)
    silence, share = TRUTH.no_visit(seen, 30), TRUTH.active_share(seen, 30)
    last = np.nan_to_num(seen.last, nan=400)
    tenths = np.array_split(np.argsort(silence), 10)
    groups = [*tenths, last > 100, (last > 20) & (seen.counts.sum(axis=1) > 30), seen.counts.sum(axis=1) <= 2, seen.age < 80]
    for group in groups:
        assert silence[group].mean() == pytest.approx((~later[group].any(axis=1)).mean(), abs=0.02)
        assert share[group].mean() == pytest.approx(later[group].mean(), abs=0.02)


def test_a_more_recent_visit_never_makes_silence_likelier():
    for counts in SMALL.counts[:3]:
        last = np.arange(1, 90.0)
        window = np.searchsorted(EDGES, last, side="right") - 1
        held = np.where(np.arange(5) < window[:, None], 0, counts)
        held[np.arange(len(last)), window] = np.maximum(held[np.arange(len(last)), window], 1)
        for some in np.split(np.arange(len(last)), np.flatnonzero(np.diff(window)) + 1):
            chance = TRUTH.no_visit(Visits(held[some], EDGES, last[some], np.full(len(some), 360.0)), 30)
            # Cells of first days make steps.
            assert np.all(np.diff(chance) >= -1e-3)


def test_of_who_came_today_more_visits_never_make_silence_likelier():
    # Of older windows more would say that the rate has fallen.
    for window in (0, 1):
        counts = np.tile([1.0, 1, 1, 1, 1], (40, 1))
        counts[:, window] += np.arange(40)
        chance = TRUTH.no_visit(Visits(counts, EDGES, np.full(40, 0.25), np.full(40, 400.0)), 30)
        assert np.all(np.diff(chance) <= 1e-9)


def test_who_came_often_and_stopped_is_gone_rather_than_who_came_seldom():
    counts = np.array([[0, 0, 30, 45, 90], [0, 0, 1, 1, 2], [3, 9, 30, 45, 90.0]])
    seen = Visits(counts, EDGES, np.array([40.0, 40, 1]), np.full(3, 360.0))
    stopped, seldom, regular = TRUTH.no_visit(seen, 30)
    assert regular < 0.05 < seldom < stopped


def test_who_came_last_before_all_windows_is_gone():
    counts, last = np.zeros((3, 5)), np.array([368.0, 450, 700])
    assert np.all(TRUTH.no_visit(Visits(counts, EDGES, last, np.full(3, 800.0)), 30) > 0.95)


def test_longer_is_less_likely_silent_and_no_time_is_silent():
    chances = np.column_stack([TRUTH.no_visit(SMALL, days) for days in (0, 1, 30, 180)])
    np.testing.assert_allclose(chances[:, 0], 1)
    assert np.all(np.diff(chances, axis=1) <= 0)


def test_nobody_depends_on_who_is_asked_beside():
    seen, _ = simulate(CHUNK + 50, TRUTH, 1, 3)
    every = TRUTH.no_visit(seen, 30)
    some = np.arange(0, len(seen), 97)
    np.testing.assert_allclose(TRUTH.no_visit(seen.where(some), 30), every[some], rtol=1e-12)


def test_histories_that_hardly_can_be_have_an_answer():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        odd = Visits(
            np.array([[1e4, 0, 0, 0, 0], [0, 0, 0, 0, 1e4], [1, 1e4, 1e4, 1e4, 1e4], [5] * 5, [0] * 5, [0] * 5]),
            EDGES,
            np.array([7.4, 367, 0.25, 0.25, 9_000, np.nan]),
            np.array([8.0, 368, 2.0, 1.25, 10_000, 1e5]),
        )
        for model in (TRUTH, Declining(150, 1e-3, 1e-6, 0.002, 1.0), Declining(0.007, 1e3, 0.9, 0.99, 140.0)):
            assert np.isfinite(model.log_likelihoods(odd)).all()
            chance = model.no_visit(odd, 30)
            assert np.all((chance >= 0) & (chance <= 1))


def test_the_cells_of_declines_hold_everybody_once():
    for age in (1.0, 33.0, 420.0, 4_000.0):
        assert np.exp(TRUTH.log_prior(np.array([age]))).sum() == pytest.approx(1)
    assert DECLINES.begin.max() < 500


def test_histories_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="last <= age"):
        Visits(np.ones((1, 1)), np.array([0, 7.0]), np.array([5.0]), np.array([4.0]))
