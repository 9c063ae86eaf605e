"""BG/NBD x Gamma-Gamma as a family: what an archive too young for trees has to say, from orders alone.

Its parameters come by maximum likelihood from the histories, which hold no label; the labels set its total right.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np

from ..baselines import LTV_DAYS
from ..calibrate import balance
from ..dataset import Rows
from ..errors import TrainingError
from ..export import INPUT, OUTPUT, serialised
from ..order_baseline import NEEDED, fit_orders
from ..order_graph import OrderGraph
from .family import Found, InnerSplit, Parameters, Question
from .search import best_of

DIGITS = 6


@dataclass(frozen=True)
class OrdersModel:
    question: Question
    graph: OrderGraph

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        return self.graph.answers(vectors).astype(np.float32)

    def trees(self) -> None:
        return None

    def onnx(self) -> bytes:
        return serialised(self.question.model, len(self.question.features), *self.graph.onnx(INPUT, OUTPUT))

    def splits(self) -> list[tuple[int, float]]:
        return []

    def gain(self) -> dict[str, float]:
        return {}

    def parameters(self) -> Parameters:
        timing, value = self.graph.model.timing, self.graph.model.value
        known = {"r": timing.r, "alpha": timing.alpha, "a": timing.a, "b": timing.b}
        known |= {"p": value.p, "q": value.q, "gamma": value.gamma}
        known |= {"never": self.graph.model.never, "factor": self.graph.factor}
        return {name: float(f"{number:.{DIGITS}g}") for name, number in known.items()}


@dataclass(frozen=True)
class Orders:
    name: str
    method: str
    explained: bool = False

    def search(self, question: Question, split: InnerSplit, say: Callable[[str], None]) -> Found | None:
        if self._graph(question, split.learn) is None:
            say(f"{self.name}: the histories of orders say too little; it does not compete")
            return None

        def answers_of(_parameters: Parameters) -> tuple[np.ndarray, Parameters]:
            return self._graph(question, split.learn).answers(split.choose.vectors), {}

        return best_of(self.name, question.model, [{}], split, answers_of, say)

    def fit(self, question: Question, rows: Rows, _parameters: Parameters) -> OrdersModel:
        graph = self._graph(question, rows)
        if graph is None:
            raise TrainingError(
                f"{question.model}: the order histories ({', '.join(NEEDED)}) are too few or too alike for BG/NBD. "
                "Take a longer archive or more customers."
            )
        return OrdersModel(question, graph)

    def _graph(self, question: Question, rows: Rows) -> OrderGraph | None:
        """None where BG/NBD has nothing to say, or nothing that is a number."""
        model = fit_orders(rows, question.features)
        if model is None:
            return None
        graph = OrderGraph(model, LTV_DAYS, question.features)
        answers = graph.answers(rows.vectors)
        if not (np.isfinite(answers).all() and (answers >= 0).all() and answers.any()):
            return None
        return OrderGraph(model, LTV_DAYS, question.features, float(np.exp(balance(answers, rows.label, rows.weight))))
