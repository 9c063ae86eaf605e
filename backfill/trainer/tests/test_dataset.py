"""What must not be trained with is refused by name, with the next step."""

import numpy as np
import pytest

import synthetic
from rescore_trainer.dataset import VALIDATION, read_dataset
from rescore_trainer.errors import TrainingError
from rescore_trainer.prohibited import ProhibitedInputError, proxies, refuse_prohibited_names
from rescore_trainer.train import Run, train


def train_churn(path, tmp_path):
    return train("churn", Run(read_dataset(path), tmp_path / "trained", 1, {}), lambda line: None)


def test_reads_every_row_as_it_was_written(columns, written):
    dataset = read_dataset(written(columns))
    assert dataset.features == synthetic.FEATURES and dataset.models == list(synthetic.MODELS)
    rows = dataset.rows("churn", VALIDATION)
    chosen = columns["split_churn"] == "validation"
    assert np.array_equal(rows.vectors, np.column_stack([columns[name][chosen] for name in synthetic.FEATURES]), equal_nan=True)
    assert np.array_equal(rows.label, columns["label_churn"][chosen])
    assert np.array_equal(rows.snapshots, columns["snapshot"][chosen])
    names = np.array(dataset.customer_names())
    assert np.array_equal(names[rows.customers], columns["customer"][chosen])
    genders = np.array(dataset.group_values["gender"])[rows.groups[:, 0]]
    assert np.array_equal(genders, columns["group_gender"][chosen])
    assert rows.weight.mean() == pytest.approx(1)
    sums = np.bincount(np.unique(rows.customers, return_inverse=True)[1], weights=rows.weight)
    assert sums == pytest.approx(np.full(len(sums), sums[0]))


@pytest.mark.parametrize(
    "name", ["customer", "snapshot", "arrival_cut", "label_churn", "weight_churn", "split_churn", "last_login_days_ago"]
)
def test_a_missing_column_is_named(columns, written, tmp_path, name):
    path = written({key: values for key, values in columns.items() if key != name})
    with pytest.raises(TrainingError, match=f"{name} is not a column.*[Ww]rite"):
        train_churn(path, tmp_path)


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(TrainingError, match="no such file"):
        read_dataset(tmp_path / "none.parquet")
    (tmp_path / "text").write_text("customer,snapshot")
    with pytest.raises(TrainingError, match="no Parquet file"):
        read_dataset(tmp_path / "text")


def change(columns, **changes):
    return {**columns, **changes}


def test_too_few_rows(written, tmp_path):
    with pytest.raises(TrainingError, match="churn: 19. training rows|churn: .* training rows of .* are needed. Take a longer"):
        train_churn(written(synthetic.columns(400)), tmp_path)


def test_one_class_only(columns, written, tmp_path):
    label = np.where(columns["split_churn"] == "validation", 0.0, columns["label_churn"])
    with pytest.raises(TrainingError, match="label_churn: of .* validation rows 0 are above 0"):
        train_churn(written(change(columns, label_churn=label)), tmp_path)


def test_a_customer_on_both_sides(columns, written, tmp_path):
    split = columns["split_churn"].copy()
    known = columns["customer"][split == "training"][0]
    split[(columns["customer"] == known) & (columns["snapshot"] > np.quantile(columns["snapshot"], 0.65))] = "validation"
    extra = {f"{part}_churn": np.nan_to_num(columns[f"{part}_churn"], nan=1) for part in ("label", "weight")}
    with pytest.raises(TrainingError, match="split_churn: 1 customers are on both sides"):
        train_churn(written(change(columns, split_churn=split, **extra)), tmp_path)


def test_training_that_reaches_into_the_validation_time(columns, written, tmp_path):
    split = np.where(columns["split_churn"] == "training", "validation", columns["split_churn"])
    split = np.where(columns["split_churn"] == "validation", "training", split)
    with pytest.raises(TrainingError, match="split_churn: training snapshots reach"):
        train_churn(written(change(columns, split_churn=split)), tmp_path)


def test_a_vector_that_knows_what_arrived_later(columns, written):
    with pytest.raises(TrainingError, match="arrival_cut: 16000 rows"):
        read_dataset(written(change(columns, arrival_cut=columns["snapshot"] + 1)))


@pytest.mark.parametrize("part, value", [("label", np.nan), ("label", 2.0), ("weight", 0.0), ("weight", np.nan)])
def test_a_label_or_weight_that_cannot_be(columns, written, tmp_path, part, value):
    values = columns[f"{part}_churn"].copy()
    values[np.flatnonzero(columns["split_churn"] == "training")[0]] = value
    with pytest.raises(TrainingError, match=f"{part}_churn"):
        train_churn(written(change(columns, **{f"{part}_churn": values})), tmp_path)


@pytest.mark.parametrize("name", ["age", "customer_gender", "home_location", "age_band", "Zip", "birth_year"])
def test_a_prohibited_input_is_refused_by_name(name):
    with pytest.raises(ProhibitedInputError, match=name):
        refuse_prohibited_names(["page_views", name])


def test_words_that_only_contain_one_are_let_through():
    refuse_prohibited_names(["page_views_last_30_days", "average_gap", "engagement", "messages_sent", "percentage", *synthetic.FEATURES])


@pytest.mark.parametrize("shape", ["rising", "middle", "undefined"])
def test_a_proxy_is_refused_by_name_whatever_its_shape(columns, written, shape):
    young = columns["group_ageBand"] == "35-54"
    noise = np.random.default_rng(1).normal(size=len(young))
    old = columns["group_ageBand"] == "55+"
    values = {
        "rising": 10 * young + noise,
        "middle": np.where(young, 0, np.where(old, 10, -10)) + noise,
        "undefined": np.where(young, np.nan, noise),
    }[shape]
    path = written(change(columns, other_3=values.astype(np.float32)))
    with pytest.raises(ProhibitedInputError, match="other_3 alone tells the ageBand"):
        proxies(read_dataset(path))


def test_groups_drawn_by_lot_are_told_by_nothing(columns, written):
    found = proxies(read_dataset(written(columns)))
    assert set(found) == {"gender", "ageBand"}
    for each in found.values():
        assert each["auc"] < 0.65 and each["allFeatures"]["auc"] < 0.65
