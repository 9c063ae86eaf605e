"""Orders of customers who decline: what visits say of a decline counts for orders too (declining.py).

Some customers never buy. The others order as a Poisson process of a rate of their own, Gamma(r, alpha), which the same
decline takes down. Given a decline with an exposure A, x orders leave that rate a Gamma(r + x, alpha + A). They give the
decline the weight (alpha + A)^-(r + x), times the share that was left on the day of the last order, times the exposure
before it to the power of the other orders. What visits say is the prior of all this. Times are days before now.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln

from .declining import DECLINES, LEAST, Declining, Evidence, Visits, chunks, most_likely, normalised

#: As in declining.py; the last is a logit.
SEARCHED = [(0.0, -5.0, 5.0), (3.5, -3.0, 10.0), (0.5, -6.0, 6.0)]


@dataclass(frozen=True)
class Orders:
    """N customers."""

    #: Orders that were seen.
    count: np.ndarray
    #: Days since the last one; without any it is not looked at.
    last: np.ndarray

    def where(self, chosen: "np.ndarray | slice") -> "Orders":
        return Orders(self.count[chosen], self.last[chosen])


@dataclass(frozen=True)
class DecliningOrders:
    visits: Declining
    r: float
    #: In days: the rate of an average buyer is r / alpha orders a day.
    alpha: float
    #: Share of customers who buy at all.
    buyers: float

    def expected_orders(self, seen: Visits, orders: Orders, days: float) -> np.ndarray:
        """E(orders in the next `days`), shape [N]."""
        coming = DECLINES.future(np.array([days]))[0]
        found, begin = [], 0
        for part in chunks(seen):
            evidence = _OrderEvidence(self.visits, part, orders.where(slice(begin, begin + len(part))))
            begin += len(part)
            logs, buys = evidence.logs(self.r, self.alpha, self.buyers)
            _, chances = normalised(logs)
            rates = (coming / (self.alpha + evidence.exposure))[evidence.aged]
            found.append((self.r + evidence.count) * np.einsum("np,np,np->n", chances, buys, rates))
        return np.concatenate(found)


class _OrderEvidence:
    def __init__(self, visits: Declining, seen: Visits, orders: Orders):
        days, self.aged = np.unique(seen.age, return_inverse=True)
        self.exposure = DECLINES.exposure(days)
        self.count = orders.count
        self.said = np.log(np.maximum(Evidence(seen).weighed(visits)[1], LEAST))
        some = np.flatnonzero(orders.count > 0)
        if len(some):
            last, age = np.clip(orders.last[some], 0, seen.age[some]), seen.age[some]
            others = (orders.count[some] - 1)[:, None]
            self.said[some] += DECLINES.log_left(last) + others * DECLINES.log_between(last, age)

    def logs(self, r: float, alpha: float, buyers: float) -> tuple[np.ndarray, np.ndarray]:
        """ln likelihoods with each decline but for a constant, and the chances to be a buyer then, [N, P] both."""
        grown = np.log(alpha + self.exposure)[self.aged]
        buys = buyers * np.exp(r * (np.log(alpha) - grown))
        total = buys + np.where(self.count > 0, 0.0, 1 - buyers)[:, None]
        return self.said - self.count[:, None] * grown + np.log(total), buys / total


def fit_declining_orders(visits: Declining, seen: Visits, orders: Orders) -> DecliningOrders:
    """The parameters of greatest likelihood. Raises ValueError when the search finds none. All customers at a time: for
    some thousands of them."""
    evidence = _OrderEvidence(visits, seen, orders)

    def lost(logs: np.ndarray) -> float:
        r, alpha, buyers = np.exp(logs[0]), np.exp(logs[1]), expit(logs[2])
        total, _ = normalised(evidence.logs(r, alpha, buyers)[0])
        return -float((total + gammaln(r + orders.count) - gammaln(r)).mean())

    r, alpha, buyers = most_likely(lost, SEARCHED, "orders of who declines")
    return DecliningOrders(visits, float(np.exp(r)), float(np.exp(alpha)), float(expit(buyers)))
