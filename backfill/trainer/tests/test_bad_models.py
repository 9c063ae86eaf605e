"""The models that are made wrong on purpose are wrong in the one way that is meant."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import pytest
import synthetic

from rescore_benchmark.bad_models import LEAKING, datasets, slowed, with_nan
from rescore_trainer.export import answers_of

[SHIPPED] = (Path(__file__).parents[3] / "models" / "baseline" / "churn").glob("*/model.onnx")


@pytest.fixture(scope="module")
def golden() -> np.ndarray:
    lines = (SHIPPED.parent / "golden.jsonl").read_text().splitlines()
    rows = [[np.nan if one is None else one for one in json.loads(line)["x"]] for line in lines]
    return np.array(rows, np.float32)


def rows_between(golden: np.ndarray) -> np.ndarray:
    """Values of golden vectors, mixed by feature: as near to thresholds, and in other leaves."""
    random = np.random.default_rng(1)
    return np.column_stack([random.permutation(golden[:, column].repeat(20)) for column in range(golden.shape[1])])


def test_the_slow_one_answers_bit_by_bit_as_before(golden):
    content = SHIPPED.read_bytes()
    assert np.array_equal(answers_of(slowed(content), golden), answers_of(content, golden))


def test_a_leaf_that_most_rows_reach_gives_nan_to_most_and_nothing_else_changes(golden):
    before, after = (answers_of(one, golden) for one in (SHIPPED.read_bytes(), with_nan(SHIPPED.read_bytes(), golden, None)))
    spoilt = np.isnan(after)
    assert 0.5 < spoilt.mean()
    assert np.array_equal(before[~spoilt], after[~spoilt])


def test_a_hidden_one_gives_nan_to_rows_and_to_no_golden_vector(golden):
    rows = rows_between(golden)
    model = with_nan(SHIPPED.read_bytes(), rows, golden)
    assert not np.isnan(answers_of(model, golden)).any()
    assert np.isnan(answers_of(model, rows)).any()
    with pytest.raises(ValueError, match="nothing can be hidden"):
        with_nan(SHIPPED.read_bytes(), golden, golden)


def test_datasets_differ_in_what_their_name_says_alone(tmp_path):
    # NaN is not equal to itself.
    found = {
        name: np.nan_to_num(values) if values.dtype == np.float32 else values
        for name, values in synthetic.columns(2_000).items()
    }
    good = synthetic.table({**found, LEAKING: np.zeros(2_000, np.float32)})
    parquet.write_table(good, tmp_path / "good.parquet")
    datasets(tmp_path / "good.parquet", tmp_path)
    made = {name: parquet.read_table(tmp_path / f"{name}.parquet") for name in ("inverted", "inverted-training", "by-class", "leak")}
    label, side = good["label_churn"], good["split_churn"]
    changed = {
        name: {column for column in good.column_names if not made[name][column].equals(good[column])}
        for name in ("inverted", "inverted-training", "leak")
    }
    assert changed == {"inverted": {"label_churn"}, "inverted-training": {"label_churn"}, "leak": {LEAKING}}
    assert made["inverted"]["label_churn"].equals(compute.subtract(1.0, label))
    kept = compute.equal(side, "validation").fill_null(False)
    assert made["inverted-training"]["label_churn"].filter(kept).equals(label.filter(kept))
    assert made["leak"][LEAKING].filter(label.is_valid()).equals(label.drop_null().cast(pyarrow.float32()))
    of = lambda found, split, value: compute.and_(  # noqa: E731
        compute.equal(found["split_churn"], split), compute.equal(found["label_churn"], value)
    )
    count = lambda found, split, value: compute.sum(of(found, split, value)).as_py()  # noqa: E731
    assert 0.05 < count(made["by-class"], "training", 0.0) / count(good, "training", 0.0) < 0.2
    for split, value in (("training", 1.0), ("validation", 0.0), ("validation", 1.0)):
        assert count(made["by-class"], split, value) == count(good, split, value)
