"""python -m rescore_trainer DATASET OUT --seed N: fits every model of a dataset folder into OUT/<model>/."""

import argparse
import sys
from pathlib import Path

from .dataset import read_dataset
from .leaks import LeakError
from .specification import SPECIFICATIONS
from .train import train


def main() -> None:
    parser = argparse.ArgumentParser(prog="rescore_trainer", description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.dataset)
    for specification in SPECIFICATIONS:
        if specification.name not in dataset.models:
            continue
        try:
            report = train(specification, dataset, arguments.out, arguments.seed)
        except (LeakError, ValueError) as error:
            sys.exit(str(error))
        figures = ", ".join(f"{key} {metric['value']:.4f}" for key, metric in report["metrics"].items())
        rows = report["rows"]
        print(f"{report['model']}: {rows['train']['rows']} rows, {rows['validation']['rows']} kept back, {figures}", flush=True)


if __name__ == "__main__":
    main()
