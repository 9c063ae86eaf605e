"""Chance of any revenue times the revenue of who buys: two ensembles, one answer.

The product of a logistic and an exponential is no sum of trees, so there is no trees.json.
"""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ..calibrate import balance
from ..dataset import Rows
from ..export import to_onnx
from .ensemble import MOST_TREES, SHARED, Ensemble, boost, matrix, splits_of
from .family import Found, InnerSplit, Parameters, Question
from .search import best_of, candidates

CHANCE, AMOUNT = "chance_", "amount_"
PARTS = {CHANCE: ("binary:logistic", "logistic"), AMOUNT: ("reg:gamma", "exp")}


def _part(rows: Rows, part: str) -> Rows:
    buys = rows.label > 0
    return replace(rows, label=buys.astype(float)) if part == CHANCE else rows.where(buys)


def _parameters(parameters: Parameters, part: str) -> Parameters:
    shared = {key: value for key, value in parameters.items() if not key.startswith((CHANCE, AMOUNT))}
    own = {key.removeprefix(part): value for key, value in parameters.items() if key.startswith(part)}
    return {**shared, **own, "objective": PARTS[part][0]}


@dataclass(frozen=True)
class ZeroInflatedModel:
    question: Question
    ensembles: list[Ensemble]
    used: Parameters

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        return _product(self.ensembles, vectors).astype(np.float32)

    def trees(self) -> None:
        return None

    def _described(self) -> list[dict]:
        return [each.described(self.question.model, self.question.features) for each in self.ensembles]

    def onnx(self) -> bytes:
        return to_onnx(self.question.model, self._described())

    def splits(self) -> list[tuple[int, float]]:
        return [split for model in self._described() for split in splits_of(model)]

    def gain(self) -> dict[str, float]:
        """Each ensemble counts a half: their gains have other units."""
        total: dict[str, float] = {}
        for gains in (each.gain(self.question.features) for each in self.ensembles):
            for feature, gain in gains.items():
                total[feature] = total.get(feature, 0.0) + gain / sum(gains.values()) / 2
        return total

    def parameters(self) -> Parameters:
        return {**self.used, "objective": "binary:logistic x reg:gamma"}


@dataclass(frozen=True)
class ZeroInflated:
    name: str
    method: str
    base: Parameters
    grid: dict[str, list]
    explained: bool = False

    def search(self, question: Question, split: InnerSplit, say: Callable[[str], None]) -> Found:
        matrices = {
            part: (matrix(_part(split.learn, part)), matrix(_part(split.choose, part))) for part in PARTS
        }

        def answers_of(parameters: Parameters) -> tuple[np.ndarray, Parameters]:
            ensembles, decided = [], {}
            for part, (_objective, link) in PARTS.items():
                booster = boost(_parameters(parameters, part), question.seed, *matrices[part])
                # Both together are as many trees as any other model may have.
                booster = booster[: min(booster.num_boosted_rounds(), MOST_TREES // 2)]
                decided[f"{part}trees"] = booster.num_boosted_rounds()
                ensembles.append(Ensemble(booster, link))
            return _product(_balanced(ensembles, split.learn), split.choose.vectors), decided

        tries = candidates({**SHARED, **self.base}, self.grid, question.seed)
        return best_of(self.name, question.model, tries, split, answers_of, say)

    def fit(self, question: Question, rows: Rows, parameters: Parameters) -> ZeroInflatedModel:
        ensembles = [
            Ensemble(boost(_parameters(parameters, part), question.seed, matrix(_part(rows, part))), link)
            for part, (_objective, link) in PARTS.items()
        ]
        return ZeroInflatedModel(question, _balanced(ensembles, rows), parameters)


def _product(ensembles: list[Ensemble], vectors: np.ndarray) -> np.ndarray:
    return np.prod([each.answers(vectors) for each in ensembles], axis=0)


def _balanced(ensembles: list[Ensemble], rows: Rows) -> list[Ensemble]:
    """The amount takes the whole correction: the chance is right by itself."""
    chance, amount = ensembles
    offset = balance(_product(ensembles, rows.vectors), rows.label, rows.weight)
    return [chance, replace(amount, offset=amount.offset + offset)]
