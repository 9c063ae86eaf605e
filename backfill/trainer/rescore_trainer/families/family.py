"""What a family of models gives. Another one is a class of this shape and a name in FAMILIES (families/choice.py).

A family looks for its parameters on an inner split, is compared with the others there, and is then fitted on all
training rows with what was found. It knows nothing of validation rows.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..dataset import Rows

Parameters = dict[str, float | int | str | bool]


@dataclass(frozen=True)
class Question:
    """What is asked, and over which columns."""

    #: engagement, churn or ltv
    model: str
    features: list[str]
    seed: int


@dataclass(frozen=True)
class InnerSplit:
    """Part of the training rows to learn from, and those of other customers to choose by."""

    learn: Rows
    choose: Rows


@dataclass(frozen=True)
class Trial:
    """One try of a search."""

    parameters: Parameters
    #: Of LOSSES[model] on `choose`.
    loss: float


@dataclass(frozen=True)
class Found:
    """The best of a family's tries."""

    family: str
    best: Trial
    trials: list[Trial] = field(default_factory=list)


class Fitted(Protocol):
    """A fitted model. `predict` and `onnx` must agree within 1e-5 x max(1, |answer|), also for NaN and on thresholds."""

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """N x features, float32, to N answers, float32."""

    def onnx(self) -> bytes:
        """One float32 input [rows, features], one float32 output [rows, 1] (export.INPUT, export.OUTPUT)."""

    def trees(self) -> dict | None:
        """trees.json; None when the answer is no sum of trees: then its scores have no reasons, and the card says so."""

    def splits(self) -> list[tuple[int, float]]:
        """Feature and threshold of every comparison: where golden vectors look. Empty without comparisons."""

    def gain(self) -> dict[str, float]:
        """What each feature gave, in any unit; empty when the family cannot say."""

    def parameters(self) -> Parameters:
        """For the manifest."""


class Family(Protocol):
    name: str
    #: For the card: one sentence.
    method: str
    #: Whether `trees()` of what it fits is not None.
    explained: bool

    def search(self, question: Question, split: InnerSplit, say: Any) -> Found | None:
        """Tries parameters; `say(line)` shows progress. None where the rows say too little for it to compete."""

    def fit(self, question: Question, rows: Rows, parameters: Parameters) -> Fitted:
        """Fits all training rows with the parameters that `search` found."""
