"""BG/NBD x Gamma-Gamma as a graph of standard ONNX operators, in double precision, and the same in numpy.

The expectation of equation 10 (bgnbd.py) needs the hypergeometric function, which ONNX lacks. It is the mean over the
chance p of leaving, given that the customer has not left, of what a customer of that chance orders:

    E = integral of p^(a-1) (1-p)^(b+x-1) / B(a, b+x) * (1 - (1 + p*days/(alpha+age))^-(r+x)) / p  over p in 0..1

Gauss-Jacobi nodes for p^(a-1) (1-p)^(b-1) are the same for every customer; (1-p)^x is a factor of each, and the sum of
the weights takes the place of B(a, b+x). With 96 nodes it is within 1e-6 of the formula.
"""

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from scipy.special import roots_jacobi

from .order_baseline import NEEDED, OrderModel
from .order_histories import STEPS, order_histories

NODES = 96
#: Inputs are cut here: what a vector may hold at most, and nothing overflows.
MOST = {"revenue_lifetime": 1e9}
MOST_COUNTED = 1e4
#: exp of more would overflow; a chance of e^-600 is none.
LARGEST_POWER = 600.0
#: Below, ln(1 + y) and 1 - exp(-y) of a runtime have too few digits; y - y²/2 has them all.
SMALL = 1e-5
LEAST_CHANCE = 1e-12


@dataclass(frozen=True)
class OrderGraph:
    """answer = factor x expected revenue; `never` x factor for those without orders. Inputs may be anything."""

    model: OrderModel
    days: float
    features: list[str]
    factor: float = 1.0

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """Shape [N], doubles."""
        known = np.column_stack([self._input(vectors, name) for name in NEEDED])
        ordered = known[:, 0] >= 1
        found = np.full(len(vectors), self.model.never)
        if ordered.any():
            seen, counts, means = order_histories(known[ordered], list(NEEDED))
            timing, value = self.model.timing, self.model.value
            chances, weights = self._nodes()
            kept = weights * np.exp(seen.repeats[:, None] * np.log1p(-chances))
            grown = np.log1p(chances * (self.days / (timing.alpha + seen.age))[:, None])
            each = -np.expm1(-(timing.r + seen.repeats)[:, None] * grown) / chances
            orders = (kept * each).sum(axis=1) / kept.sum(axis=1) * timing.still_customer(seen)
            found[ordered] = orders * value.expected_value(counts, means)
        return self.factor * found

    def _input(self, vectors: np.ndarray, name: str) -> np.ndarray:
        column = vectors[:, self.features.index(name)].astype(float)
        return np.clip(np.nan_to_num(column, nan=0.0, posinf=np.inf, neginf=-np.inf), 0, MOST.get(name, MOST_COUNTED))

    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Chances of leaving and their weights, which sum to 1."""
        timing = self.model.timing
        places, weights = roots_jacobi(NODES, timing.b - 1, timing.a - 1)
        return np.maximum((places + 1) / 2, LEAST_CHANCE), weights / weights.sum()

    def onnx(self, given: str, answer: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """Nodes and constants from `given` [N, features] to `answer` [N, 1], float32 both."""
        graph = _Writer()
        days, gap, since_last, since_first, revenue = (self._read(graph, given, name) for name in NEEDED)
        counted = graph.of("Max", days, 1.0)
        repeats = graph.of("Sub", counted, 1.0)
        recency = graph.of("Mul", gap, repeats)
        age = _age(graph, recency, since_last, since_first)
        orders = graph.of("Mul", self._orders(graph, repeats, age), self._still(graph, repeats, recency, age))
        money = graph.of("Mul", orders, self._value(graph, counted, revenue))
        none = graph.of("Less", days, 1.0)
        found = graph.of("Mul", graph.of("Where", none, self.model.never, money), self.factor)
        graph.node("Cast", [found], answer, to=TensorProto.FLOAT)
        return graph.nodes, graph.constants

    def _read(self, graph: "_Writer", given: str, name: str) -> str:
        column = graph.node("Gather", [given, graph.whole([self.features.index(name)])], axis=1)
        known = graph.node("Where", [graph.node("IsNaN", [column]), graph.single(0.0), column])
        return graph.of("Min", graph.of("Max", graph.node("Cast", [known], to=TensorProto.DOUBLE), 0.0), MOST.get(name, MOST_COUNTED))

    def _orders(self, graph: "_Writer", repeats: str, age: str) -> str:
        timing = self.model.timing
        chances, weights = self._nodes()
        kept = graph.of("Mul", graph.of("Exp", graph.of("Mul", repeats, np.log1p(-chances))), weights)
        growth = graph.of("Div", chances * self.days, graph.of("Add", age, timing.alpha))
        grown = graph.unless_small(growth, graph.of("Log", graph.of("Add", growth, 1.0)))
        power = graph.of("Mul", graph.of("Add", repeats, timing.r), grown)
        comes = graph.unless_small(power, graph.of("Sub", 1.0, graph.of("Exp", graph.of("Neg", power))))
        each = graph.of("Div", comes, chances)
        return graph.of("Div", graph.total(graph.of("Mul", kept, each)), graph.total(kept))

    def _still(self, graph: "_Writer", repeats: str, recency: str, age: str) -> str:
        timing = self.model.timing
        later = graph.of("Sub", graph.of("Max", repeats, 1.0), 1.0 - timing.b)
        silent = graph.of("Sub", *(graph.of("Log", graph.of("Add", time, timing.alpha)) for time in (age, recency)))
        odds = graph.of("Sub", np.log(timing.a), graph.of("Log", later))
        odds = graph.of("Add", odds, graph.of("Mul", graph.of("Add", repeats, timing.r), silent))
        chance = graph.of("Div", 1.0, graph.of("Add", graph.of("Exp", graph.of("Min", odds, LARGEST_POWER)), 1.0))
        return graph.of("Where", graph.of("Greater", repeats, 0.0), chance, 1.0)

    def _value(self, graph: "_Writer", counted: str, revenue: str) -> str:
        value = self.model.value
        above = graph.of("Mul", graph.of("Add", revenue, value.gamma), value.p)
        return graph.of("Div", above, graph.of("Add", graph.of("Mul", counted, value.p), value.q - 1))


def _age(graph: "_Writer", recency: str, since_last: str, since_first: str) -> str:
    """order_histories.bounds and the middle between them."""

    def highest(age: str) -> str:
        more = graph.number(0.0)
        for until, step in reversed(STEPS):
            more = graph.of("Where", graph.of("LessOrEqual", age, float(until)), step - 1.0, more)
        return graph.of("Add", age, more)

    low = graph.of("Max", graph.of("Add", recency, since_last), since_first)
    high = graph.of("Max", graph.of("Min", graph.of("Add", recency, highest(since_last)), highest(since_first)), low)
    return graph.of("Mul", graph.of("Add", low, high), 0.5)


class _Writer:
    """Nodes and constants as they are named."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str | None = None, **attributes) -> str:
        name = output or f"orders_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def of(self, operator: str, *inputs: "str | float | np.ndarray") -> str:
        """Numbers become constants."""
        return self.node(operator, [one if isinstance(one, str) else self.number(one) for one in inputs])

    def unless_small(self, value: str, otherwise: str) -> str:
        """ln(1 + value) or 1 - exp(-value): both begin as value - value²/2."""
        short = self.of("Mul", value, self.of("Sub", 1.0, self.of("Mul", value, 0.5)))
        return self.of("Where", self.of("Less", value, SMALL), short, otherwise)

    def total(self, values: str) -> str:
        return self.node("ReduceSum", [values, self.whole([1])], keepdims=1)

    def number(self, value: "float | np.ndarray") -> str:
        return self._constant(np.atleast_1d(np.asarray(value, dtype=np.float64)))

    def single(self, value: float) -> str:
        return self._constant(np.array([value], dtype=np.float32))

    def whole(self, values: list[int]) -> str:
        return self._constant(np.array(values, dtype=np.int64))

    def _constant(self, values: np.ndarray) -> str:
        name = f"orders_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name
