"""Orders of customers who decline, against populations with known parameters."""

import numpy as np
import pytest

from rescore_trainer.declining import Declining, Visits
from rescore_trainer.declining_orders import DecliningOrders, Orders, fit_declining_orders

EDGES = np.array([0, 7.5, 30.5, 90.5, 185.5, 367.5])
VISITS = Declining(r=1.6, alpha=6.4, hazard=1 / 150, gradual=0.6, pace=18.0)
TRUTH = DecliningOrders(VISITS, r=1.4, alpha=28.0, buyers=0.7)


def simulate(customers: int, seed: int) -> tuple[Visits, Orders, np.ndarray]:
    """Histories in steps of half a day, and the orders of the next 90 days."""
    random = np.random.default_rng(seed)
    age = random.uniform(40, 360, customers)
    begin = age - random.exponential(1 / VISITS.hazard, customers)
    pace = np.where(random.random(customers) < VISITS.gradual, random.exponential(VISITS.pace, customers), 1e-3)
    at = np.arange(359.75, -90, -0.5)[None, :]
    left = np.exp(-np.maximum(begin[:, None] - at, 0) / pace[:, None]) * (at < age[:, None]) / 2
    rates = random.gamma(VISITS.r, 1 / VISITS.alpha, customers), random.gamma(TRUTH.r, 1 / TRUTH.alpha, customers)
    buys = random.random(customers) < TRUTH.buyers
    visits, orders = (random.poisson(rate[:, None] * left) for rate in (rates[0], rates[1] * buys))
    past = at[0] > 0

    def last(came: np.ndarray) -> np.ndarray:
        some = came[:, past] > 0
        return np.where(some.any(axis=1), at[0][past.sum() - 1 - np.argmax(some[:, ::-1], axis=1)], np.nan)

    counts = [visits[:, past & (at[0] >= low) & (at[0] < high)].sum(axis=1) for low, high in zip(EDGES, EDGES[1:])]
    seen = Visits(np.column_stack(counts).astype(float), EDGES, last(visits), age)
    bought = orders[:, past].sum(axis=1)
    return seen, Orders(bought.astype(float), np.nan_to_num(last(orders))), orders[:, ~past].sum(axis=1)


def test_parameters_that_made_the_orders_are_found():
    seen, orders, _ = simulate(2_500, 1)
    found = fit_declining_orders(VISITS, seen, orders)
    assert found.r / found.alpha * found.buyers == pytest.approx(TRUTH.r / TRUTH.alpha * TRUTH.buyers, rel=0.1)
    assert found.buyers == pytest.approx(TRUTH.buyers, abs=0.1)
    assert found.r == pytest.approx(TRUTH.r, rel=0.4)


def test_what_is_promised_comes():
    seen, orders, later = simulate(12_000, 2)
    expected = TRUTH.expected_orders(seen, orders, 90)
    stopped = np.nan_to_num(seen.last, nan=400) > 60
    tenths = np.array_split(np.argsort(expected), 10)
    for group in (*tenths, orders.count == 0, (orders.count > 3) & stopped, (orders.count > 3) & ~stopped, seen.age < 80):
        error = 4 * later[group].std() / np.sqrt(np.size(later[group])) + 0.02
        assert expected[group].mean() == pytest.approx(later[group].mean(), abs=error)


def test_visits_tell_whether_a_customer_who_does_not_order_is_still_there():
    """The same orders, the last one a hundred days ago: one still looks, the other does not."""
    counts = np.array([[3, 9, 20, 30, 0], [0, 0, 0, 30, 0.0]])
    seen = Visits(counts, EDGES, np.array([1.0, 100]), np.full(2, 185.0))
    orders = Orders(np.full(2, 4.0), np.full(2, 100.0))
    looks, silent = TRUTH.expected_orders(seen, orders, 180)
    assert looks > 5 * silent


def test_more_orders_are_expected_to_be_followed_by_more():
    count = 30
    seen = Visits(np.tile([1.0, 3, 9, 10, 20], (count, 1)), EDGES, np.full(count, 0.25), np.full(count, 360.0))
    found = TRUTH.expected_orders(seen, Orders(np.arange(count, dtype=float), np.full(count, 0.25)), 180)
    assert np.all(np.diff(found) > 0)
    nobody = DecliningOrders(VISITS, 1.4, 28.0, 1e-9).expected_orders(seen, Orders(np.zeros(count), np.zeros(count)), 180)
    assert np.all(nobody < 1e-6)
