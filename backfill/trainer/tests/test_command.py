"""The command as the pipeline runs it."""

import json
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

import synthetic

PACKAGE = Path(__file__).parents[1]
FILES = {"model.onnx", "golden.jsonl", "report.json", "card.md", "calibration.svg", "lift.svg"}


def command(*arguments, expect: int = 0) -> str:
    run = subprocess.run(
        [sys.executable, "-B", "-m", "rescore_trainer", *map(str, arguments)], cwd=PACKAGE, capture_output=True, text=True
    )
    assert run.returncode == expect, run.stderr
    return run.stdout + run.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Trained twice from one dataset, into `one` and `again`."""
    folder = tmp_path_factory.mktemp("trained")
    parquet.write_table(synthetic.table(synthetic.columns(16_000)), folder / "dataset.parquet")
    out = command("train", "--dataset", folder / "dataset.parquet", "--out", folder / "one", "--seed", 7)
    assert "try 1 of 6" in out and "churn:" in out
    command("train", "--dataset", folder / "dataset.parquet", "--out", folder / "again", "--seed", 7)
    return folder


def report(folder: Path, model: str) -> dict:
    return json.loads((folder / model / "report.json").read_text())


@pytest.mark.parametrize("model", synthetic.MODELS)
def test_the_same_dataset_and_seed_give_the_same_bytes(trained, model):
    one = {path.name: path.read_bytes() for path in (trained / "one" / model).iterdir()}
    again = {path.name: path.read_bytes() for path in (trained / "again" / model).iterdir()}
    assert FILES <= set(one) and one == again
    assert ("trees.json" in one) == report(trained / "one", model)["explained"]
    assert not any(str(trained).encode() in content for content in one.values())


@pytest.mark.parametrize("model, metric", [("engagement", "r2"), ("churn", "auc"), ("ltv", "gini")])
def test_it_comes_near_the_truth_and_past_every_baseline(trained, model, metric):
    found = report(trained / "one", model)
    assert found["metrics"][f"{metric}OfTruth"]["value"] - found["metrics"][metric]["value"] < 0.05
    for name in ("recency", "rfm", "lastValue"):
        assert set(found["baselines"][name]) == set(found["metrics"]) - {f"{key}OfTruth" for key in ("r2", "auc", "logLoss", "gini")}
        difference = found["differences"][name][metric]
        assert difference["low"] <= difference["value"] <= difference["high"]
        assert difference["value"] == pytest.approx(
            found["metrics"][metric]["value"] - found["baselines"][name][metric]["value"], abs=1e-9
        )
        assert difference["low"] > 0


def test_chances_can_be_believed(trained):
    found = report(trained / "one", "churn")
    assert found["metrics"]["calibrationError"]["value"] < 0.04
    for point in found["curves"]["calibration"]:
        assert abs(point["score"] - point["label"]) < 0.1


def test_the_evaluation_has_what_the_gate_asks_for(trained):
    found = report(trained / "one", "churn")["evaluation"]
    assert set(found) == {
        "archiveStart", "classes", "holdOutSha256", "strongestFeatures", "fairness", "proxies", "champion", "baseline",
    }
    assert found["proxies"] and found["proxies"] == report(trained / "one", "churn")["proxies"]
    columns = synthetic.columns(16_000)
    training = columns["label_churn"][columns["split_churn"] == "training"]
    assert found["classes"] == {"positives": int(training.sum()), "negatives": int((1 - training).sum())}
    assert found["archiveStart"] == "2025-01-01T00:00:00.000Z" and len(found["holdOutSha256"]) == 64
    assert found["strongestFeatures"][0]["measure"] == "auc" and found["champion"] is None
    assert report(trained / "one", "ltv")["evaluation"]["classes"] is None
    for model, name in (("engagement", "recency"), ("churn", "recency"), ("ltv", "bgNbd")):
        whole = report(trained / "one", model)
        name = name if name in whole["baselines"] else "recency"
        assert whole["evaluation"]["baseline"] == {"name": name, "metrics": whole["baselines"][name]}
    digests = {report(trained / "one", model)["evaluation"]["holdOutSha256"] for model in synthetic.MODELS}
    assert len(digests) == 3


def champions(folder: Path, layout: str) -> Path:
    place = folder / "champions" / "churn"
    place.mkdir(parents=True, exist_ok=True)
    (place / "model.onnx").write_bytes((folder / "one" / "churn" / "model.onnx").read_bytes())
    (place / "manifest.json").write_text(
        json.dumps({"version": "20260101T000000Z-00000000", "layout": {"fingerprint": layout}})
    )
    return folder / "champions"


def test_the_champion_is_measured_on_the_same_rows(trained):
    place = champions(trained, "ab" * 32)
    dataset = ("--dataset", trained / "dataset.parquet", "--seed", 7, "--models", "churn")
    command("train", *dataset, "--out", trained / "against", "--champions", place)
    found, alone = report(trained / "against", "churn"), report(trained / "one", "churn")
    champion = found["evaluation"]["champion"]
    assert champion["version"] == "20260101T000000Z-00000000"
    for name, figure in champion["metrics"].items():
        # The runtime's answers differ from XGBoost's in the last digits.
        assert figure["value"] == pytest.approx(alone["metrics"][name]["value"], rel=1e-4)
    assert abs(found["championDifferences"]["auc"]["value"]) < 1e-4
    assert "which scores now" in (trained / "against" / "churn" / "card.md").read_text()
    assert found["metrics"] == alone["metrics"]


def test_a_champion_of_another_layout_is_not_compared(trained):
    place = champions(trained, "cd" * 32)
    dataset = ("--dataset", trained / "dataset.parquet", "--seed", 7, "--models", "churn")
    out = command("train", *dataset, "--out", trained / "other", "--champions", place)
    assert "reads another feature layout" in out
    assert report(trained / "other", "churn")["evaluation"]["champion"] is None


def test_card_and_pictures_say_what_the_report_says(trained):
    folder = trained / "one" / "churn"
    card, found = (folder / "card.md").read_text(), report(trained / "one", "churn")
    for heading in ("Intended use", "Data", "Method", "Metrics", "Against what needs no model", "Calibration", "Fairness", "Limits"):
        assert f"## {heading}" in card
    assert f"{found['metrics']['auc']['value']:.3f}" in card
    for picture in ("calibration.svg", "lift.svg"):
        assert f"({picture})" in card
        root = tree.fromstring((folder / picture).read_text())
        assert root.tag.endswith("svg") and "http" not in (folder / picture).read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--dataset", "none.parquet"], "--dataset none.parquet: there is no such file"),
        (["--dataset", "none.parquet", "--models", "churn,luck"], "--models luck: not known"),
        (["--dataset", "none.parquet", "--champions", "nowhere"], "--champions nowhere: there is no such folder"),
    ],
)
def test_a_wrong_argument_is_named_without_a_trace(tmp_path, arguments, says):
    out = command("train", *arguments, "--out", tmp_path, expect=1)
    assert out.startswith("rescore_trainer: ") and says in out and "Traceback" not in out


def test_nothing_is_left_of_a_model_that_fails(tmp_path, written):
    columns = synthetic.columns(16_000)
    leaking = {**columns, "other_1": np.nan_to_num(columns["label_churn"]).astype(np.float32)}
    path = written(leaking)
    out = command("train", "--dataset", path, "--out", tmp_path / "out", "--models", "churn", expect=1)
    assert "churn: other_1 alone" in out
    assert not (tmp_path / "out").exists()


def test_help_names_every_option():
    out = command("train", "--help")
    assert all(f"--{name}" in out for name in ("dataset", "out", "seed", "champions", "models", "source", "notice"))
