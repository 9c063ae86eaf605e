"""One ensemble that answers by its link: shares and chances (logistic), amounts (Tweedie, exp)."""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ..calibrate import platt
from ..dataset import Rows
from ..export import to_onnx
from .ensemble import SHARED, Ensemble, boost, matrix, splits_of
from .family import Found, InnerSplit, Parameters, Question
from .opening import Expected, fit_counts, opening_trees
from .search import TRIES, best_of, candidates, share_of


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
    #: Tried second: without an opening, for customers whom no model of counts describes.
    plain: Parameters
    #: A Platt scaling of the margin is fitted on answers to customers whom the trees have not seen, in so many folds;
    #: 0 for none.
    calibration_folds: int = 0
    explained: bool = True

    def search(self, question: Question, split: InnerSplit, say: Callable[[str], None]) -> Found:
        base = {**SHARED, **self.base, "objective": self.objective}
        first, *others = candidates(base, self.grid, question.seed)
        plain = {**base, **self.plain, "opening": 0}
        tries = [first, plain, *(each for each in others if each != plain)][:TRIES]
        longest = max(int(each["opening"]) for each in tries)
        counts = fit_counts(question, split.learn) if longest > 0 else None
        learn, choose = (counts and counts(rows) for rows in (split.learn, split.choose))
        opening = opening_trees(question, split.learn, learn, longest)

        def answers_of(parameters: Parameters) -> tuple[np.ndarray, Parameters]:
            count = 0 if opening is None else int(parameters["opening"])
            begun = opening[:count] if count > 0 else None
            of_learn, of_choose = (None if begun is None else each.offset for each in (learn, choose))
            matrices = matrix(split.learn, of_learn, begun), matrix(split.choose, of_choose, begun)
            booster = boost(parameters, question.seed, *matrices, begun)
            ensemble = self._balanced(Ensemble(booster, self.link), split.learn, of_learn)
            decided = {"trees": booster.num_boosted_rounds(), "opening": count}
            return ensemble.answers(split.choose.vectors, of_choose), decided

        return best_of(self.name, question.model, tries, split, answers_of, say)

    def fit(self, question: Question, rows: Rows, parameters: Parameters) -> BoostedModel:
        counts = fit_counts(question, rows) if int(parameters["opening"]) > 0 else None
        # Once, also for folds: it knows histories and no label.
        expected = counts and counts(rows)
        ensemble = self._fit_trees(question, rows, expected, parameters)
        if self.calibration_folds > 0:
            margin = self._unseen_margin(question, rows, expected, parameters)
            scale, offset = platt(margin, rows.label, rows.weight)
            ensemble = replace(ensemble, scale=scale, offset=offset)
        return BoostedModel(question, ensemble, {**parameters, "calibration_folds": self.calibration_folds})

    def _fit_trees(self, question: Question, rows: Rows, expected: Expected | None, parameters: Parameters) -> Ensemble:
        begun = opening_trees(question, rows, expected, int(parameters["opening"]))
        offset = None if begun is None else expected.offset
        booster = boost(parameters, question.seed, matrix(rows, offset, begun), begun=begun)
        return self._balanced(Ensemble(booster, self.link), rows, offset)

    def _unseen_margin(
        self, question: Question, rows: Rows, expected: Expected | None, parameters: Parameters
    ) -> np.ndarray:
        """Whole customers: the margin of a customer whom the trees know is too sure of itself."""
        folds = self.calibration_folds
        fold = (share_of(rows.customers, f"calibration {question.seed}") * folds).astype(int)
        margin = np.zeros(len(rows)) if expected is None else expected.offset.copy()
        for number in range(folds):
            asked = fold == number
            if asked.any():
                known = expected and expected.where(~asked)
                margin[asked] += self._fit_trees(question, rows.where(~asked), known, parameters).margin(rows.vectors[asked])
        return margin

    def _balanced(self, ensemble: Ensemble, rows: Rows, offset: np.ndarray | None) -> Ensemble:
        return ensemble.balanced(rows, offset) if self.link == "exp" else ensemble
