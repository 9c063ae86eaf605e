"""python -m rescore_benchmark.train_measure ROWS RESULT: what a training of all models costs, as a process of its own.

The table is tests/synthetic.py's. RESULT gets rows of the table and rows that train, seconds (of each model and in all),
seconds of processor, the largest resident memory, cores, and the load of the machine before and after.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAINER = Path(__file__).parents[1]
#: The last line of a model: when it came, which model, the rows that trained it.
ENDED = re.compile(r"^\[\s*([\d.]+) s\] (\w+): (\d+) rows, ")


def parts(lines: list[str]) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds and rows of each model, from what the trainer said. The first one has the reading of the table in it."""
    seconds, rows, before = {}, {}, 0.0
    for found in filter(None, map(ENDED.match, lines)):
        at, model = float(found[1]), found[2]
        seconds[model], rows[model], before = round(at - before, 1), int(found[3]), at
    return seconds, rows


def measure(rows: int, folder: Path) -> dict:
    dataset = folder / "dataset.parquet"
    subprocess.run([sys.executable, "tests/synthetic.py", str(rows), str(dataset)], cwd=TRAINER, check=True)
    before, load = resource.getrusage(resource.RUSAGE_CHILDREN), os.getloadavg()[0]
    command = [sys.executable, "-B", "-m", "rescore_trainer", "train"]
    started, lines = time.monotonic(), []
    with subprocess.Popen(
        [*command, "--dataset", str(dataset), "--out", str(folder / "trained")],
        cwd=TRAINER,
        stdout=subprocess.PIPE,
        text=True,
    ) as training:
        for line in training.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if training.returncode != 0:
        sys.exit(f"The training ended with {training.returncode}; what it said stands above.")
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, trained = parts(lines)
    return {
        "table.rows": rows,
        **{f"{name}.trainingRows": count for name, count in trained.items()},
        **{f"{name}.seconds": count for name, count in seconds.items()},
        "seconds": round(took, 1),
        "processorSeconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        # Of the larger of both children: the table is made in less.
        "residentMegabytes": round(after.ru_maxrss / 1_000),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load.before": round(load, 2),
        "load.after": round(os.getloadavg()[0], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rescore-train-") as folder:
        arguments.result.write_text(json.dumps(measure(arguments.rows, Path(folder))) + "\n")


if __name__ == "__main__":
    main()
