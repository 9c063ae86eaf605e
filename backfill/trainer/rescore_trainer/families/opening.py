"""The first trees of a model: they repeat what a model of counts expects, and the labels correct it.

A label is one draw (came or not, this or that revenue); what a model of counts expects of the same history is a smooth
function of it without that noise, and right in its main lines. Trees that begin with it spend the labels on what it does
not know. The sum of both is a sum of trees, so every answer is explained. Of activity it is Pareto/NBD with ends that may
be gradual (declining.py); of orders the same declines with a rate of their own, times Gamma-Gamma, or BG/NBD x Gamma-Gamma
where visits are unknown. They see histories alone; labels give amounts their total and no more.

On the first days of an archive windows are longer than what it holds, which no vector says. So every row is asked about
twice: as though it were of the end of the archive, which is what trees repeat, as a function of the vector alone and right
for vectors to come; and as it was. The difference is an offset of the margin wherever a label is looked at.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import xgboost

from ..baselines import LTV_DAYS
from ..dataset import Rows
from ..declining import Declining, Visits, fit_declining
from ..declining_orders import DecliningOrders, Orders, fit_declining_orders
from ..order_baseline import OrderModel, fit_orders, newest
from ..visit_histories import LAST, NEEDED, visit_histories, widened_middle
from .family import Question

#: Of the label of engagement and churn.
ACTIVITY_DAYS = 30
#: Where fewer than so many customers came twice the likelihood is flat.
FEWEST_ACTIVE = 100
#: Parameters of so many customers are within a few hundredths; more only cost time.
MOST_FITTED = 2_000
#: As many rows say whether answers are numbers, and how large amounts are.
ASKED_FIRST = 10_000
SURE = 1e-4
#: An expected revenue below is none; of the largest.
LEAST_REVENUE = 1e-5
#: Of the margin, either way.
MOST_OFFSET = 3.0
DAY_MS = 86_400_000
#: What is repeated has no noise: large steps and small leaves.
SHAPE = {"tree_method": "hist", "max_depth": 4, "subsample": 0.8, "nthread": 1}
CHANCES = {**SHAPE, "objective": "reg:logistic", "eta": 0.3, "min_child_weight": 1, "lambda": 0.0}
#: Revenue has more values than the usual bins, and a few customers have most of it.
AMOUNTS = {
    **SHAPE,
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.2,
    "eta": 0.3,
    "min_child_weight": 20,
    "subsample": 1.0,
    "lambda": 1.0,
    "max_bin": 1_024,
}


@dataclass(frozen=True)
class Expected:
    """What a model of counts expects of N labels, in their unit."""

    #: N, as though asked at the end of the archive.
    asked: np.ndarray
    #: N, by how much the margin was higher at the row's own snapshot.
    offset: np.ndarray

    def where(self, chosen: np.ndarray) -> "Expected":
        return Expected(self.asked[chosen], self.offset[chosen])


Counts = Callable[[Rows], Expected]


def opening_trees(question: Question, rows: Rows, expected: Expected | None, trees: int) -> xgboost.Booster | None:
    """None without an expectation, and without trees."""
    if trees == 0 or expected is None:
        return None
    settings = {**(AMOUNTS if question.model == "ltv" else CHANCES), "seed": question.seed}
    matrix = xgboost.DMatrix(rows.vectors, label=expected.asked, weight=rows.weight, nthread=1)
    return xgboost.train(settings, matrix, num_boost_round=trees)


def fit_counts(question: Question, rows: Rows) -> Counts | None:
    """A model of counts by maximum likelihood; None where the histories say too little."""
    return _of_orders(question, rows) if question.model == "ltv" else _of_activity(question, rows)


def _of_activity(question: Question, rows: Rows) -> Counts | None:
    watch = Watch.over(rows, question.features, ACTIVITY_DAYS)
    model = watch and watch.fit_visits(question, rows)
    if not model:
        return None

    def chance(seen: Visits) -> np.ndarray:
        return model.no_visit(seen, ACTIVITY_DAYS) if question.model == "churn" else model.active_share(seen, ACTIVITY_DAYS)

    def expected(asked: Rows) -> Expected:
        late, then = (np.clip(each, SURE, 1 - SURE) for each in watch.twice(asked, lambda seen, _: chance(seen)))
        return _expected(late, np.log(then / (1 - then)) - np.log(late / (1 - late)))

    return _sound(expected, rows)


def _of_orders(question: Question, rows: Rows) -> Counts | None:
    known = fit_orders(rows, question.features)
    if known is None:
        return None
    watch = Watch.over(rows, question.features, LTV_DAYS)
    visits = watch and watch.fit_visits(question, rows)
    orders = visits and watch.fit_orders(question, rows, visits)

    def revenues(asked: Rows) -> tuple[np.ndarray, np.ndarray]:
        if not orders:
            found = known.expected_revenue(asked.vectors, question.features, LTV_DAYS)
            return found, found
        bought, values = watch.orders(asked.vectors), _value(known, asked.vectors, question.features)
        late, then = watch.twice(asked, lambda seen, some: orders.expected_orders(seen, bought.where(some), LTV_DAYS))
        return late * values, then * values

    some = _some(rows)
    as_they_were = revenues(some)[1]
    if not np.isfinite(as_they_were).all() or as_they_were.sum() <= 0 or some.label.sum() <= 0:
        return None
    factor = np.average(some.label, weights=some.weight) / np.average(as_they_were, weights=some.weight)
    least = LEAST_REVENUE * as_they_were.max()

    def expected(asked: Rows) -> Expected:
        late, then = revenues(asked)
        return _expected(factor * late, np.log(np.maximum(then, least)) - np.log(np.maximum(late, least)))

    return _sound(expected, rows)


def _value(known: OrderModel, vectors: np.ndarray, features: list[str]) -> np.ndarray:
    """Expected value of an order; of who never ordered the mean of all."""
    count, revenue = (_column(vectors, features, name) for name in ("order_days_lifetime", "revenue_lifetime"))
    return known.value.expected_value(count, np.maximum(revenue, 0) / np.maximum(count, 1))


def _expected(late: np.ndarray, offset: np.ndarray) -> Expected:
    return Expected(late, np.clip(offset, -MOST_OFFSET, MOST_OFFSET))


def _sound(counts: Counts, rows: Rows) -> Counts | None:
    found = counts(_some(rows))
    return counts if np.isfinite(found.asked).all() and np.isfinite(found.offset).all() else None


def _some(rows: Rows) -> Rows:
    return rows.where(np.arange(len(rows)) % max(1, len(rows) // ASKED_FIRST) == 0)


def _column(vectors: np.ndarray, features: list[str], name: str) -> np.ndarray:
    return np.clip(np.nan_to_num(vectors[:, features.index(name)].astype(float)), 0, 1e9)


@dataclass(frozen=True)
class Watch:
    """Since when the archive knows of anybody, and until when."""

    features: list[str]
    #: Days since 1970: the first activity that any row tells of; and the middle between the last training row, after which
    #: a model is measured, and the end of its label, from when on it is asked.
    begun: float
    ended: float

    @staticmethod
    def over(rows: Rows, features: list[str], horizon: float) -> "Watch | None":
        """None where columns are missing, or nobody ever came."""
        if any(name not in features for name in NEEDED):
            return None
        days, last = rows.snapshots / DAY_MS, rows.vectors[:, features.index(LAST)].astype(float)
        known = np.isfinite(last)
        if not known.any():
            return None
        return Watch(features, float(np.min(days[known] - last[known])), float(days.max() + horizon / 2))

    def twice(self, rows: Rows, asked: Callable[[Visits, np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Answers as though all were of the end, and as they were; `asked` gets visits and the places of their rows."""
        late = visit_histories(rows.vectors, self.features, max(self.ended - self.begun, 1.0))
        then = self.as_they_were(rows)
        found = asked(late, np.arange(len(rows)))
        other, differ = found.copy(), np.flatnonzero(late.age != then.age)
        if len(differ):
            other[differ] = asked(then.where(differ), differ)
        return found, other

    def as_they_were(self, rows: Rows) -> Visits:
        return visit_histories(rows.vectors, self.features, np.maximum(rows.snapshots / DAY_MS - self.begun, 1.0))

    def orders(self, vectors: np.ndarray) -> Orders:
        count = np.minimum(_column(vectors, self.features, "order_days_lifetime"), 1e4)
        return Orders(count, widened_middle(_column(vectors, self.features, "days_since_last_order")))

    def fit_visits(self, question: Question, rows: Rows) -> Declining | None:
        seen = self.as_they_were(_drawn(question, rows))
        if np.count_nonzero(seen.counts.sum(axis=1) > 1) < FEWEST_ACTIVE:
            return None
        try:
            return fit_declining(seen)
        except ValueError:
            return None

    def fit_orders(self, question: Question, rows: Rows, visits: Declining) -> DecliningOrders | None:
        drawn = _drawn(question, rows)
        try:
            return fit_declining_orders(visits, self.as_they_were(drawn), self.orders(drawn.vectors))
        except ValueError:
            return None


def _drawn(question: Question, rows: Rows) -> Rows:
    """Of each customer the newest row, as older ones are parts of it; of many customers some, by the seed."""
    latest = np.flatnonzero(newest(rows))
    return rows.where(np.random.default_rng(question.seed).permutation(latest)[:MOST_FITTED])
