"""BG/NBD x Gamma-Gamma as a graph: it says what the formula says, and the runtime says what numpy says."""

from dataclasses import replace

import numpy as np
import pytest

from rescore_trainer.bgnbd import BgNbd, GammaGamma
from rescore_trainer.errors import TrainingError
from rescore_trainer.export import INPUT, OUTPUT, answers_of, check_parity, serialised
from rescore_trainer.families.family import Question
from rescore_trainer.families.orders import Orders
from rescore_trainer.families.search import inner_split
from rescore_trainer.golden import golden_vectors
from rescore_trainer.metrics import LOSSES, value_of
from rescore_trainer.order_baseline import OrderModel
from rescore_trainer.order_graph import OrderGraph

from test_order_baseline import FEATURES, rows_of

DAYS = 180.0
VALUE = GammaGamma(p=6.25, q=3.744, gamma=15.444, log_likelihood=0.0)
#: r, alpha, a, b: CDNOW's, hardly anybody leaves, most leave at once, a and b large, a beyond 1.
TIMINGS = [(0.2426, 30.9, 0.7929, 2.4259), (1.2, 40.0, 0.02, 3.0), (2.0, 5.0, 0.6, 0.3), (0.8, 20.0, 60.0, 900.0), (1.0, 9.0, 3.0, 8.0)]


def random_vectors(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    days = random.geometric(0.3, count) - 1.0
    days[:5] = [40, 80, 150, 0, 1]
    gap = np.where(days > 1, random.gamma(2, 10, count), np.nan)
    last = np.where(days > 0, random.integers(0, 400, count), np.nan)
    first = last + np.nan_to_num(gap) * np.maximum(days - 1, 0)
    revenue = days * random.gamma(4, 10, count)
    return np.column_stack([random.random(count), days, gap, last, first, revenue]).astype(np.float32)


def graph_of(timing: tuple) -> OrderGraph:
    return OrderGraph(OrderModel(BgNbd(*timing, 0.0), VALUE, never=3.0), DAYS, FEATURES, factor=1.1)


def bytes_of(graph: OrderGraph) -> bytes:
    return serialised("ltv", len(FEATURES), *graph.onnx(INPUT, OUTPUT))


@pytest.mark.parametrize("timing", TIMINGS)
def test_it_says_what_the_formula_says(timing):
    graph, vectors = graph_of(timing), random_vectors(2_000, 1)
    expected = 1.1 * graph.model.expected_revenue(vectors, FEATURES, DAYS)
    np.testing.assert_allclose(graph.answers(vectors), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("timing", TIMINGS)
def test_the_runtime_says_what_numpy_says_whatever_comes_in(timing):
    graph = graph_of(timing)
    vectors = np.vstack([random_vectors(2_000, 2), golden_vectors(random_vectors(200, 3), [], 1)])
    answers = graph.answers(vectors)
    assert np.isfinite(answers).all() and (answers >= 0).all()
    check_parity(bytes_of(graph), vectors, answers.astype(np.float32), "ltv")
    assert answers_of(bytes_of(graph), vectors[:1])[0] == pytest.approx(answers[0], rel=1e-5)


def test_the_family_knows_the_total_and_says_which_parameters_it_found():
    family, rows = Orders("bg-nbd", "orders alone"), rows_of(2_000, 1)
    found = family.fit(Question("ltv", FEATURES, 1), rows, {})
    assert found.predict(rows.vectors).sum() == pytest.approx(rows.label.sum(), rel=1e-4)
    assert {"r", "alpha", "a", "b", "p", "q", "gamma"} <= set(found.parameters())
    assert found.trees() is None and found.splits() == []
    assert found.onnx() == family.fit(Question("ltv", FEATURES, 2), rows, {}).onnx()


def test_the_family_is_judged_on_customers_whom_it_has_not_seen():
    rows = rows_of(2_000, 1)
    found = Orders("bg-nbd", "orders alone").search(Question("ltv", FEATURES, 1), inner_split(rows, 1), lambda line: None)
    mean = np.full(len(rows), rows.label.mean())
    assert found.best.loss < value_of(LOSSES["ltv"], rows.label, mean)


def test_the_family_stays_away_where_histories_say_too_little():
    said = []
    few = rows_of(60, 1)
    assert Orders("bg-nbd", "").search(Question("ltv", FEATURES, 1), inner_split(few, 1), said.append) is None
    assert "does not compete" in said[0]
    with pytest.raises(TrainingError, match="order_days_lifetime"):
        Orders("bg-nbd", "").fit(Question("ltv", FEATURES, 1), replace(few), {})
