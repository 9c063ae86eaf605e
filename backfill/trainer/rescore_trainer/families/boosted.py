"""One ensemble that answers by its link: shares and chances (logistic), amounts (Tweedie, exp)."""

from dataclasses import dataclass
from typing import Callable

import numpy as np

from ..calibrate import platt
from ..dataset import Rows
from ..export import to_onnx
from .ensemble import SHARED, Ensemble, boost, matrix, splits_of
from .family import Found, InnerSplit, Parameters, Question
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
    #: Share of the training customers that fit a Platt scaling of the margin instead of trees; 0 for none.
    calibration_share: float = 0.0
    explained: bool = True

    def search(self, question: Question, split: InnerSplit, say: Callable[[str], None]) -> Found:
        learn, choose = matrix(split.learn), matrix(split.choose)

        def answers_of(parameters: Parameters) -> tuple[np.ndarray, Parameters]:
            booster = boost(parameters, question.seed, learn, choose)
            ensemble = self._balanced(Ensemble(booster, self.link), split.learn)
            return ensemble.answers(split.choose.vectors), {"trees": booster.num_boosted_rounds()}

        tries = candidates({**SHARED, **self.base, "objective": self.objective}, self.grid, question.seed)
        return best_of(self.name, question.model, tries, split, answers_of, say)

    def fit(self, question: Question, rows: Rows, parameters: Parameters) -> BoostedModel:
        # Whole customers: the margin of a customer whom the trees know is too sure of itself.
        held = share_of(rows.customers, f"calibration {question.seed}") < self.calibration_share
        seen = rows.where(~held)
        ensemble = self._balanced(Ensemble(boost(parameters, question.seed, matrix(seen)), self.link), seen)
        if held.any():
            kept = rows.where(held)
            scale, offset = platt(ensemble.margin(kept.vectors), kept.label, kept.weight)
            ensemble = Ensemble(ensemble.booster, self.link, scale, offset)
        return BoostedModel(question, ensemble, {**parameters, "calibration_share": self.calibration_share})

    def _balanced(self, ensemble: Ensemble, rows: Rows) -> Ensemble:
        return ensemble.balanced(rows) if self.link == "exp" else ensemble
