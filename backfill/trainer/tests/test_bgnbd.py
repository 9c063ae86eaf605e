"""BG/NBD and Gamma-Gamma against the figures that their authors published, and against populations with known parameters."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from rescore_trainer.bgnbd import BgNbd, GammaGamma, Histories, fit_bgnbd, fit_gamma_gamma

DATA = Path(os.environ.get("RESCORE_DATA", Path(__file__).parents[4] / "shared" / "data"))
SAMPLE = DATA / "cdnow" / "CDNOW_sample.txt"
#: Fader, Hardie & Lee 2005, in weeks.
PUBLISHED = BgNbd(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, log_likelihood=-9582.43)


def cdnow_sample() -> tuple[Histories, np.ndarray]:
    """The 2,357 customers until 1997-09-30, in weeks, and the mean value of their repeats."""
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE.name} is not in RESCORE_DATA or ../shared/data")
    until = date(1997, 9, 30).toordinal()
    orders: dict[str, dict[int, float]] = {}
    for line in SAMPLE.read_text().splitlines():
        if not line.strip():
            continue
        _, customer, written, _, dollars = line.split()
        day = date(int(written[:4]), int(written[4:6]), int(written[6:])).toordinal()
        days = orders.setdefault(customer, {})
        if day <= until:
            days[day] = days.get(day, 0.0) + float(dollars)
    days = [sorted(one) for one in orders.values()]
    repeats = np.array([len(one) - 1 for one in days], dtype=float)
    recency = np.array([one[-1] - one[0] for one in days]) / 7
    age = np.array([until - one[0] for one in days]) / 7
    mean = [np.mean([one[day] for day in sorted(one)[1:]]) if len(one) > 1 else 0.0 for one in orders.values()]
    return Histories(repeats, recency, age), np.array(mean)


def test_the_published_parameters_of_the_cdnow_sample():
    seen, mean_value = cdnow_sample()
    orders = fit_bgnbd(seen)
    assert len(seen.repeats) == 2_357
    assert (orders.r, orders.alpha) == pytest.approx((0.2426, 4.4136), abs=5e-5)
    assert (orders.a, orders.b) == pytest.approx((0.7929, 2.4259), abs=5e-5)
    assert orders.log_likelihood == pytest.approx(-9582.43, abs=5e-3)
    value = fit_gamma_gamma(seen.repeats, mean_value)
    assert (value.p, value.q, value.gamma) == pytest.approx((6.25, 3.744, 15.444), abs=2e-3)


def simulate(customers: int, model: BgNbd, until: float, then: float, seed: int):
    """Histories of a population with these parameters, the orders of the next `then`, and who is still a customer."""
    random = np.random.default_rng(seed)
    age = random.uniform(until / 2, until, customers)
    rate, leaves = random.gamma(model.r, 1 / model.alpha, customers), random.beta(model.a, model.b, customers)
    repeats, recency, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    at, active = np.zeros(customers), np.ones(customers, dtype=bool)
    stays_at_end = np.ones(customers, dtype=bool)
    while active.any():
        at = at + random.exponential(1 / np.maximum(rate, 1e-12))
        seen, coming = active & (at <= age), active & (at > age) & (at <= age + then)
        repeats[seen] += 1
        recency[seen] = at[seen]
        later[coming] += 1
        gone = (seen | coming) & (random.random(customers) < leaves)
        stays_at_end &= ~(gone & seen)
        active &= (at <= age + then) & ~gone
    return Histories(repeats, recency, age), later, stays_at_end


def test_parameters_that_made_the_histories_are_found():
    truth = BgNbd(r=0.8, alpha=20.0, a=1.2, b=4.0, log_likelihood=0.0)
    seen, _, _ = simulate(8_000, truth, 300.0, 0.0, 1)
    found = fit_bgnbd(seen)
    assert found.r == pytest.approx(truth.r, rel=0.15)
    assert found.alpha == pytest.approx(truth.alpha, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(1.2 / 5.2, rel=0.15)
    assert found.log_likelihood >= float(truth.log_likelihoods(seen).sum())


def test_expectations_are_the_means_of_what_follows():
    """Among customers of one history bin by bin: what is promised comes on average."""
    truth = BgNbd(r=0.8, alpha=20.0, a=1.2, b=4.0, log_likelihood=0.0)
    seen, later, stays = simulate(40_000, truth, 200.0, 40.0, 2)
    for some in (seen.repeats == 0, seen.repeats == 1, (seen.repeats > 1) & (seen.age - seen.recency > 60), seen.repeats > 5):
        part = seen.where(some)
        error = 4 * later[some].std() / np.sqrt(some.sum())
        assert truth.expected_orders(part, 40.0).mean() == pytest.approx(later[some].mean(), abs=error)
        assert truth.no_order(part, 40.0).mean() == pytest.approx((later[some] == 0).mean(), abs=0.02)
        assert truth.still_customer(part).mean() == pytest.approx(stays[some].mean(), abs=0.02)


def test_laws_of_the_expectations():
    seen, _, _ = simulate(2_000, PUBLISHED, 39.0, 0.0, 3)
    none = Histories(np.zeros(3), np.zeros(3), np.array([0.0, 10.0, 39.0]))
    assert np.all(PUBLISHED.still_customer(none) == 1)
    assert np.all(np.diff(PUBLISHED.expected_orders(none, 30.0)) < 0)
    assert PUBLISHED.expected_orders(seen, 0.0) == pytest.approx(0, abs=1e-9)
    assert PUBLISHED.no_order(seen, 0.0) == pytest.approx(1)
    assert np.all(PUBLISHED.expected_orders(seen, 20.0) <= PUBLISHED.expected_orders(seen, 30.0) + 1e-12)
    # P(at least one) <= E(how many).
    assert np.all(1 - PUBLISHED.no_order(seen, 30.0) <= PUBLISHED.expected_orders(seen, 30.0) + 1e-9)
    near = [BgNbd(0.5, 4.0, a, 2.0, 0.0).expected_orders(seen, 30.0) for a in (1 - 1e-5, 1.0, 1 + 1e-5)]
    assert near[1] == pytest.approx(near[0], rel=1e-3) and near[1] == pytest.approx(near[2], rel=1e-3)


def test_values_are_drawn_towards_the_mean_of_all_the_more_the_fewer_there_are():
    random = np.random.default_rng(4)
    truth = GammaGamma(p=6.0, q=4.0, gamma=15.0, log_likelihood=0.0)
    repeats = random.integers(0, 6, 20_000).astype(float)
    own = truth.p / random.gamma(truth.q, 1 / truth.gamma, len(repeats))
    mean = np.array([random.gamma(truth.p * max(x, 1), one / truth.p / max(x, 1)) for x, one in zip(repeats, own)])
    mean[repeats == 0] = 0
    found = fit_gamma_gamma(repeats, mean)
    assert (found.p, found.q, found.gamma) == pytest.approx((truth.p, truth.q, truth.gamma), rel=0.12)
    everybody = truth.expected_value(np.zeros(1), np.zeros(1))[0]
    assert everybody == pytest.approx(6 * 15 / 3)
    many = truth.expected_value(np.array([1.0, 10.0, 1_000.0]), np.full(3, 100.0))
    assert everybody < many[0] < many[1] < many[2] < 100
    for x in (0, 1, 5):
        some = repeats == x
        error = 4 * own[some].std() / np.sqrt(some.sum())
        assert found.expected_value(repeats[some], mean[some]).mean() == pytest.approx(own[some].mean(), abs=error)


def test_histories_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="recency <= age"):
        Histories(np.ones(1), np.full(1, 5.0), np.full(1, 4.0))
    with pytest.raises(ValueError, match="no customer has a second order"):
        fit_gamma_gamma(np.zeros(4), np.zeros(4))
