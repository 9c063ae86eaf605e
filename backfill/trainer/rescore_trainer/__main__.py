"""Fits the models of a dataset.

    python -m rescore_trainer train --dataset dataset.parquet --out trained --seed 1 --champions current

leaves, for each model, trained/MODEL/ with model.onnx, golden.jsonl, trees.json, report.json, card.md and two pictures.
The same dataset, champions and seed give the same bytes. Exit code 1: it cannot be trained with; the reason and the
next step are on stderr.
"""

import argparse
import sys
import time
from pathlib import Path

from .dataset import read_dataset
from .errors import TrainingError
from .families.choice import FAMILIES
from .prohibited import proxies, refuse_prohibited_names
from .train import Run, train


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m rescore_trainer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command = top.add_subparsers(dest="command", required=True).add_parser(
        "train", help="fit the models of a dataset", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.add_argument("--dataset", type=Path, required=True, help="dataset.parquet (docs/backfill.md)")
    command.add_argument("--out", type=Path, required=True, help="folder for MODEL/; what it holds of them is replaced")
    command.add_argument("--seed", type=int, default=1, help="of every draw")
    command.add_argument("--champions", type=Path, help="folder with MODEL/{model.onnx,manifest.json} that score now")
    command.add_argument("--models", default=",".join(FAMILIES), help="which ones, with commas between")
    command.add_argument("--source", default="an archive", help="where the history came from, in words, for the cards")
    command.add_argument("--notice", help="a sentence on top of the cards")
    return top


def main() -> None:
    arguments = parser().parse_args()
    try:
        run(arguments)
    except TrainingError as error:
        sys.exit(f"rescore_trainer: {error}")


def run(arguments: argparse.Namespace) -> None:
    models = arguments.models.split(",")
    unknown = [name for name in models if name not in FAMILIES]
    if unknown:
        raise TrainingError(f"--models {','.join(unknown)}: not known. Give some of {','.join(FAMILIES)}.")
    if arguments.champions is not None and not arguments.champions.is_dir():
        raise TrainingError(f"--champions {arguments.champions}: there is no such folder. Leave it out when no model scores.")
    started = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {line}", flush=True)

    dataset = read_dataset(arguments.dataset)
    say(f"{dataset.table.num_rows} rows, {len(dataset.features)} features")
    refuse_prohibited_names(dataset.features)
    told = proxies(dataset)
    shared = Run(dataset, arguments.out, arguments.seed, told, arguments.champions, arguments.source, arguments.notice)
    for name in models:
        report = train(name, shared, lambda line, name=name: say(f"{name}: {line}"))
        figures = ", ".join(f"{key} {found['value']:.4f}" for key, found in report["metrics"].items())
        rows = report["rows"]
        say(f"{name}: {rows['train']['rows']} rows, {rows['validation']['rows']} kept back, {figures}")


if __name__ == "__main__":
    main()
