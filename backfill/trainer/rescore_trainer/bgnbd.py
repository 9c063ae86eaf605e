"""BG/NBD for orders and Gamma-Gamma for their value, by maximum likelihood.

A customer orders as a Poisson process of rate lambda ~ Gamma(r, alpha) and leaves after any order with chance
p ~ Beta(a, b); the value of an order varies around a mean of the customer's own, which varies between customers.
Source: Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24(2), 2005 (equations are
numbered as there); Fader & Hardie, "The Gamma-Gamma model of monetary value", 2013. All times are in days.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

#: ln of a parameter: beyond, a population is all alike and the likelihood no longer moves.
LOG_BOUND = (-12.0, 12.0)


@dataclass(frozen=True)
class Histories:
    """N customers, each seen from the first order on."""

    #: Days with an order after the first such day.
    repeats: np.ndarray
    #: Days from the first order to the last one; 0 without repeats.
    recency: np.ndarray
    #: Days from the first order to the end of the observation.
    age: np.ndarray

    def __post_init__(self) -> None:
        if not (np.all(self.repeats >= 0) and np.all(self.recency >= 0) and np.all(self.recency <= self.age)):
            raise ValueError("0 <= repeats and 0 <= recency <= age must hold for every customer; check the histories")

    def where(self, chosen: np.ndarray) -> "Histories":
        return Histories(self.repeats[chosen], self.recency[chosen], self.age[chosen])


@dataclass(frozen=True)
class BgNbd:
    r: float
    #: In days, as the histories; the rate of an average customer is r / alpha orders a day.
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def log_likelihoods(self, seen: Histories) -> np.ndarray:
        """Of each history, shape [N]; equation 6."""
        x, recency, age = seen.repeats, seen.recency, seen.age
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        stays = betaln(a, b + x) - (r + x) * np.log(alpha + age)
        left = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + recency)
        return common + np.where(x > 0, np.logaddexp(stays, left), stays)

    def still_customer(self, seen: Histories) -> np.ndarray:
        """P(has not left), shape [N]."""
        x, recency, age = seen.repeats, seen.recency, seen.age
        odds = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1)
        odds = odds + (self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + recency))
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)

    def no_order(self, seen: Histories, days: float) -> np.ndarray:
        """P(no order in the next `days`), shape [N]: has left, or the rate that is left to expect brings none."""
        silent = (self.r + seen.repeats) * (np.log(self.alpha + seen.age) - np.log(self.alpha + seen.age + days))
        return 1 - self.still_customer(seen) * -np.expm1(silent)

    def expected_orders(self, seen: Histories, days: float) -> np.ndarray:
        """E(orders in the next `days`), shape [N]; equation 10."""
        x, age = seen.repeats, seen.age
        # The formula has a removable pole at a = 1.
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        shape, through = self.r + x, self.alpha + age
        power = np.exp(shape * (np.log(through) - np.log(through + days)))
        hypergeometric = hyp2f1(shape, self.b + x, a + self.b + x - 1, days / (through + days))
        while_customer = (a + self.b + x - 1) / (a - 1) * (1 - power * hypergeometric)
        return np.maximum(while_customer, 0) * self.still_customer(seen)


@dataclass(frozen=True)
class GammaGamma:
    p: float
    q: float
    #: In the currency of the values.
    gamma: float
    log_likelihood: float

    def log_likelihoods(self, repeats: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        p, q, gamma, x, mean = self.p, self.q, self.gamma, repeats, mean_value
        shape = gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
        return shape + q * np.log(gamma) + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(
            gamma + x * mean
        )

    def expected_value(self, repeats: np.ndarray, mean_value: np.ndarray) -> np.ndarray:
        """E(mean value of an order), shape [N]; of customers without repeats the mean of all. Needs q > 1."""
        x = repeats
        total = np.where(x > 0, x * mean_value, 0.0)
        return self.p * (self.gamma + total) / (self.p * x + self.q - 1)


def fit_bgnbd(seen: Histories, weights: np.ndarray | None = None) -> BgNbd:
    """The parameters of greatest likelihood. Raises ValueError when the search finds none."""
    # Equal histories count once: days repeat, and a search asks a hundred times.
    table = np.column_stack([seen.repeats, seen.recency, seen.age])
    rows, place = np.unique(table, axis=0, return_inverse=True)
    count = np.bincount(place.ravel(), weights=weights, minlength=len(rows))
    distinct = Histories(rows[:, 0], rows[:, 1], rows[:, 2])

    def lost(logs: np.ndarray) -> float:
        return -float(count @ BgNbd(*np.exp(logs), 0.0).log_likelihoods(distinct)) / count.sum()

    logs = _search(lost, np.log([0.5, max(float(seen.age.mean()), 1.0) / 4, 1.0, 2.0]), "BG/NBD")
    return BgNbd(*(float(value) for value in np.exp(logs)), -lost(logs) * float(count.sum()))


def fit_gamma_gamma(repeats: np.ndarray, mean_value: np.ndarray, weights: np.ndarray | None = None) -> GammaGamma:
    """From customers with repeats and a mean value above 0; the others say nothing. Raises ValueError without any."""
    chosen = (repeats > 0) & (mean_value > 0)
    if not chosen.any():
        raise ValueError("Gamma-Gamma: no customer has a second order with a value; take a longer history")
    x, mean = repeats[chosen], mean_value[chosen]
    count = np.ones(len(x)) if weights is None else weights[chosen]

    def lost(logs: np.ndarray) -> float:
        return -float(count @ GammaGamma(*np.exp(logs), 0.0).log_likelihoods(x, mean)) / count.sum()

    logs = _search(lost, np.log([2.0, 2.0, float(mean.mean())]), "Gamma-Gamma")
    return GammaGamma(*(float(value) for value in np.exp(logs)), -lost(logs) * float(count.sum()))


def _search(lost, start: np.ndarray, name: str) -> np.ndarray:
    """Nelder and Mead from one point, twice, over the logarithms: no gradient, no randomness."""
    bounds = [LOG_BOUND] * len(start)
    options = {"maxiter": 4_000, "maxfev": 4_000, "xatol": 1e-7, "fatol": 1e-12}
    for _ in range(2):
        found = minimize(lost, start, method="Nelder-Mead", bounds=bounds, options=options)
        start = found.x
    if not np.isfinite(found.fun):
        raise ValueError(f"{name}: the likelihood has no maximum on these customers; look at their histories")
    return start
