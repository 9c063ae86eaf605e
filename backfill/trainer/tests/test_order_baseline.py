"""The baseline of order histories, on customers who order as BG/NBD says."""

import numpy as np

from rescore_trainer.dataset import Rows
from rescore_trainer.order_baseline import NEEDED, expected_revenue

FEATURES = ["last_login_days_ago", *NEEDED]
HORIZON = 30


def order_days(random: np.random.Generator, until: float) -> np.ndarray:
    """From the first order at 0: a Poisson process until the customer leaves."""
    rate, leaves = random.gamma(1.5, 1 / 20), random.beta(1.0, 4.0)
    days = [0.0]
    while days[-1] <= until:
        days.append(days[-1] + random.exponential(1 / rate))
        # Nobody leaves at the first order: only repeats are followed by the draw.
        if random.random() < leaves:
            break
    return np.array([day for day in days if day <= until])


def history(days: np.ndarray, age: float, mean_value: float) -> list[float]:
    seen = days[days <= age]
    gap = (seen[-1] - seen[0]) / (len(seen) - 1) if len(seen) > 1 else np.nan
    return [1.0, len(seen), gap, age - seen[-1], age, len(seen) * mean_value]


def rows_of(customers: int, seed: int, looks: int = 1) -> Rows:
    random = np.random.default_rng(seed)
    vectors, labels, who, when = [], [], [], []
    for customer in range(customers):
        age, mean_value = float(random.integers(5, 29)), 20 * random.gamma(4, 0.25)
        days = order_days(random, 300)
        for look in range(looks):
            asked = age - 2 * look
            vectors.append(history(days, asked, mean_value))
            labels.append(mean_value * np.count_nonzero((days > asked) & (days <= asked + HORIZON)))
            who.append(customer)
            when.append(int(asked))
    count = len(labels)
    return Rows(
        np.array(vectors, dtype=np.float32),
        np.array(labels),
        np.array(who),
        np.array(when),
        np.ones(count),
        np.full(count, np.nan),
        np.zeros((count, 0), dtype=int),
    )


def test_it_knows_the_total_and_the_order_of_customers_it_has_not_seen():
    answers = expected_revenue(rows_of(3_000, 1), FEATURES, HORIZON)
    asked = rows_of(3_000, 2)
    found = answers(asked)
    assert 0.85 < found.sum() / asked.label.sum() < 1.15
    recency = -asked.vectors[:, FEATURES.index("days_since_last_order")]
    assert np.corrcoef(found, asked.label)[0, 1] > np.corrcoef(recency, asked.label)[0, 1] + 0.1


def test_older_looks_at_the_same_customers_change_nothing():
    asked = rows_of(200, 3)
    once, thrice = (expected_revenue(rows_of(800, 4, looks), FEATURES, HORIZON)(asked) for looks in (1, 3))
    np.testing.assert_allclose(once, thrice, rtol=1e-6)


def test_who_never_ordered_gets_the_mean_of_those():
    training = rows_of(1_000, 5)
    training.vectors[:100, 1:] = np.nan
    training.vectors[:100, 1] = 0
    training.label[:100] = np.linspace(0, 14, 100)
    answers = expected_revenue(training, FEATURES, HORIZON)
    assert np.allclose(answers(training)[:100], 7)


def test_few_customers_with_a_second_order_say_nothing():
    assert expected_revenue(rows_of(60, 6), FEATURES, HORIZON) is None
    assert expected_revenue(rows_of(500, 6), ["last_login_days_ago"], HORIZON) is None
