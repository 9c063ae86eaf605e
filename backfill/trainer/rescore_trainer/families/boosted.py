"""One ensemble that answers by its link: shares and chances (logistic), amounts (Tweedie, exp)."""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np
import xgboost

from ..calibrate import platt
from ..dataset import Rows
from ..export import to_onnx
from .ensemble import SHARED, Ensemble, boost, matrix, splits_of
from .family import Found, InnerSplit, Parameters, Question
from .opening import opening_trees
from .search import best_of, candidates, share_of


@dataclass(frozen=True)
class BoostedModel:
    question: Question
    ensemble: Ensemble
    used: Parameters

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        return self.ensemble.answers(vectors).astype(np.float32)

    def trees(self) -> dict:
        return self.ensemble.described(self.question.model, self.question.features)

    def onnx(self) -> bytes:
        return to_onnx(self.question.model, [self.trees()])

    def splits(self) -> list[tuple[int, float]]:
        return splits_of(self.trees())

    def gain(self) -> dict[str, float]:
        return self.ensemble.gain(self.question.features)

    def parameters(self) -> Parameters:
        return self.used


@dataclass(frozen=True)
class Boosted:
    name: str
    method: str
    objective: str
    link: str
    base: Parameters
    #: Values to try, by parameter.
    grid: dict[str, list]
    #: A Platt scaling of the margin is fitted on answers to customers whom the trees have not seen, in so many folds;
    #: 0 for none.
    calibration_folds: int = 0
    explained: bool = True

    def search(self, question: Question, split: InnerSplit, say: Callable[[str], None]) -> Found:
        learn, choose = matrix(split.learn), matrix(split.choose)

        openings: dict[int, xgboost.Booster | None] = {}

        def answers_of(parameters: Parameters) -> tuple[np.ndarray, Parameters]:
            count = int(parameters["opening"])
            if count not in openings:
                openings[count] = opening_trees(question, split.learn, count)
            begun = openings[count]
            booster = boost(parameters, question.seed, learn, choose, begun)
            ensemble = self._balanced(Ensemble(booster, self.link), split.learn)
            decided = {"trees": booster.num_boosted_rounds(), "opening": 0 if begun is None else count}
            return ensemble.answers(split.choose.vectors), decided

        tries = candidates({**SHARED, **self.base, "objective": self.objective}, self.grid, question.seed)
        return best_of(self.name, question.model, tries, split, answers_of, say)

    def fit(self, question: Question, rows: Rows, parameters: Parameters) -> BoostedModel:
        ensemble = self._fit_trees(question, rows, parameters)
        if self.calibration_folds > 0:
            margin = self._unseen_margin(question, rows, parameters)
            scale, offset = platt(margin, rows.label, rows.weight)
            ensemble = replace(ensemble, scale=scale, offset=offset)
        return BoostedModel(question, ensemble, {**parameters, "calibration_folds": self.calibration_folds})

    def _fit_trees(self, question: Question, rows: Rows, parameters: Parameters) -> Ensemble:
        begun = opening_trees(question, rows, int(parameters["opening"]))
        booster = boost(parameters, question.seed, matrix(rows), begun=begun)
        return self._balanced(Ensemble(booster, self.link), rows)

    def _unseen_margin(self, question: Question, rows: Rows, parameters: Parameters) -> np.ndarray:
        """Whole customers: the margin of a customer whom the trees know is too sure of itself."""
        folds = self.calibration_folds
        fold = (share_of(rows.customers, f"calibration {question.seed}") * folds).astype(int)
        margin = np.zeros(len(rows))
        for number in range(folds):
            asked = fold == number
            if asked.any():
                margin[asked] = self._fit_trees(question, rows.where(~asked), parameters).margin(rows.vectors[asked])
        return margin

    def _balanced(self, ensemble: Ensemble, rows: Rows) -> Ensemble:
        return ensemble.balanced(rows) if self.link == "exp" else ensemble
