"""Pareto/NBD over visits in windows, where the end may be gradual: who still comes, how often, and until when.

A customer visits as a Poisson process of rate lambda ~ Gamma(r, alpha) until a decline, which comes with the same hazard
on every day from the first on. It is sudden, or the rate falls by 1/e in as many days as its pace says; paces are
exponential. With sudden declines alone that is the model of D. Schmittlein, D. Morrison and R. Colombo, "Counting your
customers: who are they and what will they do next?", Management Science 33(1), 1987, with one hazard for everybody.

A gradual end has no closed form, so declines are cells of first days and paces. Given one, time counts as exposure: days
at the full rate. n visits in an exposure A leave the rate a Gamma(r + n, alpha + A), and give the decline the weight
(alpha + A)^-(r + n), times the share of the rate that was left on the day of the last visit, times the exposure of each
window to the power of its other visits. Times are days before now; what comes is below 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

#: Edges of the cells of first days: one a day for three weeks, then ever wider. The last cell has no end.
STARTS = np.concatenate([np.arange(21.0), np.geomspace(21, 420, 44)])
#: Stands for the last cell: whoever declined so early is not seen any more.
EARLIEST = STARTS[-1] + 30
#: Edges of first days to come, in days ahead; declines after the last are one with none.
AHEAD = np.array([0, 4, 9, 16, 23, 30, 60, 110, 180.0])
#: Of gradual declines; a sudden one is over within a quarter of an hour.
PACES = np.array([2.5, 5, 10, 20, 40, 80])
PACE_EDGES = np.concatenate([[0], np.sqrt(PACES[1:] * PACES[:-1]), [np.inf]])
SUDDEN = 0.01
#: What cannot be is unlikely, not undefined.
LEAST = 1e-200
#: Customers at a time: some 16 MB for every number that each has by decline.
CHUNK = 4_000
#: Where the search begins and how far it goes: logarithms, of the share of gradual declines its logit.
SEARCHED = {"r": (0, -5, 5), "alpha": (1, -7, 7), "hazard": (-5, -14, 0), "gradual": (0, -6, 6), "pace": (2.5, 0, 5)}


@dataclass(frozen=True)
class Visits:
    """N customers, each seen from `age` days ago until now."""

    #: N x W, visits in each window, the latest window first; that of the last visit holds at least this one.
    counts: np.ndarray
    #: W + 1 days between which windows lie, from 0 up.
    edges: np.ndarray
    #: N, days since the last visit, which may be before all windows; NaN without one.
    last: np.ndarray
    #: N, above 0.
    age: np.ndarray

    def __post_init__(self) -> None:
        known = ~np.isnan(self.last)
        if not (np.all(self.counts >= 0) and np.all(self.age > 0) and np.all(self.last[known] <= self.age[known])):
            raise ValueError("counts >= 0, age > 0 and last <= age must hold for every customer; check the histories")

    def where(self, chosen: "np.ndarray | slice") -> "Visits":
        return Visits(self.counts[chosen], self.edges, self.last[chosen], self.age[chosen])

    def __len__(self) -> int:
        return len(self.age)


class Declines:
    """P of them: by first day (ago, then to come) for a sudden end and for each pace; at last, none."""

    def __init__(self) -> None:
        ago, ahead = (STARTS[1:] + STARTS[:-1]) / 2, (AHEAD[1:] + AHEAD[:-1]) / 2
        #: Bounds of the cells of first days.
        self.low = np.concatenate([STARTS, -AHEAD[1:]])
        self.high = np.concatenate([STARTS[1:], [np.inf], -AHEAD[:-1]])
        begin, kinds = np.concatenate([ago, [EARLIEST], -ahead]), np.append(SUDDEN, PACES)
        #: P each.
        self.begin = np.append(np.tile(begin, len(kinds)), -np.inf)
        self.pace = np.append(np.repeat(kinds, len(begin)), 1.0)

    def exposure(self, ago: np.ndarray) -> np.ndarray:
        """Of the time from `ago` until now, shape [T, P]."""
        since, begin = ago[:, None], np.maximum(self.begin, 0)
        faded = np.exp(-np.maximum(begin - since, 0) / self.pace) - np.exp(-begin / self.pace)
        return self.pace * faded + np.maximum(since - begin, 0)

    def log_between(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """ln of the exposure of the time from `end` to `begin`, which is later; shape [N, P]."""
        spans, place = np.unique(np.column_stack([begin, end]), axis=0, return_inverse=True)
        between = self.exposure(spans[:, 1]) - self.exposure(spans[:, 0])
        return np.log(np.maximum(between, LEAST))[place.ravel()]

    def log_left(self, ago: np.ndarray) -> np.ndarray:
        """ln of the share of the rate that was left, shape [N, P]."""
        days, place = np.unique(ago, return_inverse=True)
        return (-np.maximum(self.begin - days[:, None], 0) / self.pace)[place]

    def future(self, days: np.ndarray) -> np.ndarray:
        """Exposure of the next `days`, shape [T, P]."""
        full = np.clip(-self.begin, 0, days[:, None])
        already = np.maximum(self.begin, 0)
        faded = np.exp(-already / self.pace) - np.exp(-(already + days[:, None] - full) / self.pace)
        return full + self.pace * faded


DECLINES = Declines()


@dataclass(frozen=True)
class Declining:
    r: float
    #: In days: the rate of an average customer is r / alpha visits a day.
    alpha: float
    #: Declines that begin a day.
    hazard: float
    #: Share of declines that are gradual.
    gradual: float
    #: Mean of the days in which a gradual decline takes the rate down by 1/e.
    pace: float

    def log_likelihoods(self, seen: Visits) -> np.ndarray:
        """Of each history but for a constant of its counts, shape [N]."""
        return np.concatenate([Evidence(part).weighed(self)[0] for part in chunks(seen)])

    def no_visit(self, seen: Visits, days: float) -> np.ndarray:
        """P(no visit in the next `days`), shape [N]."""
        return self.silence(seen, np.array([0.0]), np.array([days]))[:, 0]

    def active_share(self, seen: Visits, days: int, looks: int = 5) -> np.ndarray:
        """Expected share of the next `days` days that have a visit, shape [N]; `looks` of them stand for all."""
        middles = (np.arange(looks) + 0.5) * days / looks
        return 1 - self.silence(seen, middles - 0.5, middles + 0.5).mean(axis=1)

    def silence(self, seen: Visits, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """P(no visit from `begin` to `end`, days ahead) of each of these spans, shape [N, T]."""
        coming = DECLINES.future(end) - DECLINES.future(begin)
        found = []
        for evidence in (Evidence(part) for part in chunks(seen)):
            _, weights = evidence.weighed(self)
            shape = -(self.r + evidence.visits)[:, None]
            longer = [np.log1p(one / (self.alpha + evidence.exposure))[evidence.seen_for] for one in coming]
            found.append(np.column_stack([np.einsum("np,np->n", weights, np.exp(shape * each)) for each in longer]))
        return np.clip(np.concatenate(found), 0, 1)

    def log_prior(self, age: np.ndarray) -> np.ndarray:
        """ln of the chance of each decline for who came `age` days ago, shape [T, P]; nobody declines before that."""
        since = age[:, None]
        early, late = np.maximum(since - DECLINES.high, 0), np.maximum(since - DECLINES.low, 0)
        mass = np.exp(-self.hazard * early) * -np.expm1(-self.hazard * (late - early))
        paces = np.diff(-np.exp(-PACE_EDGES / self.pace))
        shares = np.append(1 - self.gradual, self.gradual * paces)
        logs = np.log(np.maximum(shares, LEAST))[:, None] + np.log(np.maximum(mass, LEAST))[:, None, :]
        return np.column_stack([logs.reshape(len(age), -1), -self.hazard * (age + AHEAD[-1])])


class Evidence:
    """What N histories say of declines, whatever the parameters are."""

    def __init__(self, seen: Visits):
        came, horizon = ~np.isnan(seen.last), seen.edges[-1]
        last = np.where(came, seen.last, 0.0)
        # Of a last visit before all windows it is known that none followed: the history begins with it.
        earlier = came & (last >= horizon)
        until = np.where(earlier, last, np.minimum(seen.age, horizon))
        #: Distinct ages, and which of them each customer has; likewise of exposures.
        self.age, self.aged = np.unique(seen.age, return_inverse=True)
        days, self.seen_for = np.unique(until, return_inverse=True)
        self.exposure = DECLINES.exposure(days)
        #: N.
        self.visits = came.astype(float)
        #: N x P, ln.
        self.said = np.where(came[:, None], DECLINES.log_left(last), 0.0)
        for counts, low, high in zip(seen.counts.T, seen.edges[:-1], seen.edges[1:]):
            others = np.where(came & ~earlier & (last < high), counts - (last >= low), 0.0)
            some = np.flatnonzero(others > 0)
            if len(some):
                end = np.minimum(high, until[some])
                begin = np.clip(last[some], low, np.maximum(end, low))
                self.said[some] += others[some, None] * DECLINES.log_between(begin, np.maximum(end, begin))
                self.visits[some] += others[some]

    def weighed(self, model: Declining) -> tuple[np.ndarray, np.ndarray]:
        """ln likelihoods [N], and the chances of the declines [N, P]."""
        shape = model.r + self.visits
        logs = self.said - shape[:, None] * np.log(model.alpha + self.exposure)[self.seen_for]
        logs += model.log_prior(self.age)[self.aged]
        total, chances = normalised(logs)
        return total + gammaln(shape) - gammaln(model.r) + model.r * np.log(model.alpha), chances


def normalised(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ln of the sums of exp(logs) over the last axis, and what each has of it."""
    most = logs.max(axis=1)
    each = np.exp(logs - most[:, None])
    total = each.sum(axis=1)
    each /= total[:, None]
    return most + np.log(total), each


def chunks(seen: Visits) -> Iterator[Visits]:
    return (seen.where(slice(begin, begin + CHUNK)) for begin in range(0, len(seen), CHUNK))


def fit_declining(seen: Visits) -> Declining:
    """The parameters of greatest likelihood. Raises ValueError when the search finds none. All customers at a time: for
    some thousands of them."""
    evidence = Evidence(seen)

    def lost(logs: np.ndarray) -> float:
        return -float(evidence.weighed(_model(logs))[0].mean())

    return _model(most_likely(lost, list(SEARCHED.values()), "declines of visits"))


def _model(logs: np.ndarray) -> Declining:
    known = dict(zip(SEARCHED, (float(value) for value in np.exp(logs))))
    return Declining(**{**known, "gradual": known["gradual"] / (1 + known["gradual"])})


def most_likely(lost: Callable[[np.ndarray], float], searched: list[tuple[float, float, float]], of: str) -> np.ndarray:
    """L-BFGS from one point, within bounds: no randomness."""
    start, *bounds = zip(*searched)
    found = minimize(lost, start, method="L-BFGS-B", bounds=list(zip(*bounds)), options={"maxiter": 200, "ftol": 1e-9})
    if not (found.success and np.isfinite(found.fun)):
        raise ValueError(f"{of}: the likelihood has no maximum on these customers; look at their histories")
    return found.x
