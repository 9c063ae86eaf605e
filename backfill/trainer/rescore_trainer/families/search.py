"""A seeded search over few parameters, by customers who are kept back from the training rows."""

import itertools
import zlib
from typing import Callable

import numpy as np

from ..dataset import Rows
from ..metrics import LOSSES, value_of
from .family import Found, InnerSplit, Parameters, Trial

TRIES = 6
CHOOSING_CUSTOMERS = 0.3


def share_of(customers: np.ndarray, salt: str) -> np.ndarray:
    """0..1 per row, the same for all rows of a customer, whatever the other customers are."""
    known, codes = np.unique(customers, return_inverse=True)
    return np.array([zlib.crc32(f"{salt}/{one}".encode()) / 2**32 for one in known])[codes]


def inner_split(rows: Rows, seed: int) -> InnerSplit:
    """By customer alone. A cut in time as well would leave less than half of the rows to learn from: the number of trees
    that is right for them is too small for all rows, which the chosen parameters are then fitted on."""
    choosing = share_of(rows.customers, f"inner {seed}") < CHOOSING_CUSTOMERS
    return InnerSplit(rows.where(~choosing), rows.where(choosing))


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
