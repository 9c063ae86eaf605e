"""Which families may answer a question, and which one does."""

from typing import Callable

from ..dataset import Rows
from .boosted import Boosted
from .family import Family, Fitted, Found, Question
from .orders import Orders
from .search import inner_split
from .zero_inflated import ZeroInflated

#: A family whose answers cannot be explained must be better by this share of the loss.
EXPLANATIONS_ARE_WORTH = 0.03

#: Trees that repeat what a model of counts expects, before the labels are looked at (opening.py); 0: none.
TREES = {"opening": [0, 60, 150], "eta": [0.03, 0.1], "min_child_weight": [5, 20]}
#: Tried first: what the labels add to a long opening is little, so they take small steps.
STEADY = {"opening": 150, "eta": 0.03}
#: The same for churn, whose label says least.
STEADIEST = {"opening": 180, "eta": 0.03}
#: Without an opening. Hardly anybody who came yesterday stays away: leaves that tell such customers apart hold few of the label.
SHARP = {"eta": 0.1, "min_child_weight": 5}
#: Amounts are few and far apart: leaves hold more rows.
WIDE = {"max_depth": 3, "min_child_weight": 60}

FAMILIES: dict[str, list[Family]] = {
    "engagement": [
        Boosted(
            "boosted",
            "one ensemble of trees, log loss of the share; the first may repeat Pareto/NBD with a gradual end",
            "reg:logistic",
            "logistic",
            STEADY,
            TREES,
            SHARP,
        )
    ],
    "churn": [
        Boosted(
            "boosted",
            "one ensemble of trees, log loss; the first may repeat Pareto/NBD with a gradual end; calibrated (Platt) on "
            "answers of trees that have not seen the customer",
            "binary:logistic",
            "logistic",
            STEADIEST,
            TREES,
            SHARP,
            calibration_folds=3,
        )
    ],
    "ltv": [
        Boosted(
            "tweedie",
            "one ensemble of trees, Tweedie deviance; the first may repeat a model of visits, orders and their value",
            "reg:tweedie",
            "exp",
            # Revenue is the noisiest label: the opening has all trees, and labels set the total right, or there is none.
            {**WIDE, "max_depth": 4, "eta": 0.05, "opening": 200, "tweedie_variance_power": 1.3},
            {"opening": [0], "eta": [0.05, 0.07], "max_depth": [3, 4], "min_child_weight": [60, 200]},
            {"eta": 0.05},
        ),
        ZeroInflated(
            "zero-inflated",
            "two ensembles of trees: the chance of any revenue times the revenue of who buys (gamma)",
            WIDE,
            {"max_depth": [2, 3], "eta": [0.07, 0.1], "min_child_weight": [20, 60]},
        ),
        Orders(
            "bg-nbd",
            "BG/NBD and Gamma-Gamma by maximum likelihood, over the orders alone; the total set right by the labels. "
            "It is explained by its inputs: days with an order, their mean gap, the age of the first and of the last, "
            "and revenue. More orders, dearer ones and a last one that is recent against the gap raise the answer",
        ),
    ],
}


def choose(question: Question, rows: Rows, say: Callable[[str], None]) -> tuple[Family, Found, list[Found]]:
    """The family of least inner loss, with all that was tried."""
    split = inner_split(rows, question.seed)
    tried = [(family, family.search(question, split, say)) for family in FAMILIES[question.model]]
    found = [(family, each) for family, each in tried if each is not None]
    family, best = min(found, key=_worth)
    return family, best, [each for _, each in found]


def _worth(one: tuple[Family, Found]) -> float:
    family, found = one
    return found.best.loss * (1 if family.explained else 1 + EXPLANATIONS_ARE_WORTH)


def fit_chosen(question: Question, rows: Rows, say: Callable[[str], None]) -> tuple[Family, Fitted, list[Found]]:
    family, best, every = choose(question, rows, say)
    say(f"{family.name}: fits {len(rows)} rows")
    return family, family.fit(question, rows, best.best.parameters), every
