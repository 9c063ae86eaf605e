"""A seeded search over few parameters, by a split of the training rows that is like the outer one."""

import itertools
import zlib
from typing import Callable

import numpy as np

from ..dataset import Rows
from ..metrics import LOSSES, value_of
from .family import Found, InnerSplit, Parameters, Trial

TRIES = 6
CHOOSING_CUSTOMERS, LEARNING_TIME = 0.3, 0.65
#: With fewer rows to choose by, the split is by customer alone.
FEWEST_TO_CHOOSE = 100


def share_of(customers: np.ndarray, salt: str) -> np.ndarray:
    """0..1 per row, the same for all rows of a customer, whatever the other customers are."""
    known, codes = np.unique(customers, return_inverse=True)
    return np.array([zlib.crc32(f"{salt}/{one}".encode()) / 2**32 for one in known])[codes]


def inner_split(rows: Rows, seed: int) -> InnerSplit:
    """By customer and by time: what is chosen by lies later than what is learned from, and is of other customers."""
    choosing = share_of(rows.customers, f"inner {seed}") < CHOOSING_CUSTOMERS
    first, last = rows.snapshots.min(), rows.snapshots.max()
    later = rows.snapshots > first + LEARNING_TIME * (last - first)
    if min((choosing & later).sum(), (~choosing & ~later).sum()) < FEWEST_TO_CHOOSE:
        return InnerSplit(rows.where(~choosing), rows.where(choosing))
    return InnerSplit(rows.where(~choosing & ~later), rows.where(choosing & later))


def candidates(base: Parameters, grid: dict[str, list], seed: int) -> list[Parameters]:
    """The base first, then some of the grid's combinations, drawn by the seed."""
    every = [{**base, **dict(zip(grid, values))} for values in itertools.product(*grid.values())]
    others = [each for each in every if each != base]
    order = np.random.default_rng(seed).permutation(len(others))
    return [base, *(others[index] for index in order[: TRIES - 1])]


def best_of(
    family: str,
    model: str,
    tries: list[Parameters],
    split: InnerSplit,
    answers_of: Callable[[Parameters], tuple[np.ndarray, Parameters]],
    say: Callable[[str], None],
) -> Found:
    """`answers_of` fits one try and gives its answers on `choose`, with what it decided itself (the number of trees)."""
    trials = []
    for number, parameters in enumerate(tries, 1):
        answers, decided = answers_of(parameters)
        loss = value_of(LOSSES[model], split.choose.label, answers)
        trials.append(Trial({**parameters, **decided}, float(f"{loss:.9g}")))
        say(f"{family}: try {number} of {len(tries)}, inner loss {loss:.5f}")
    return Found(family, min(trials, key=lambda trial: trial.loss), trials)
