"""How a measurement is kept: with the commit that was measured and the instant, and an exit code that says what was missed."""

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path


def commit_of(folder: Path) -> str:
    """Short hash of HEAD, with `-changed` where the tree had other changes; `uncommitted` where there is none."""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return "uncommitted"
    return head if _git(folder, "status", "--porcelain") == "" else f"{head}-changed"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def keep(path: Path, result: dict) -> None:
    """Writes the result as JSON, after the commit of this program and the instant."""
    measured = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    whole = {"commit": commit_of(Path(__file__).parent), "measuredAt": measured, **result}
    path.write_text(json.dumps(whole, indent=2) + "\n")


def end(aims: dict[str, bool]) -> None:
    """Says of every aim whether it is reached. Exit code 1 with the names of those that are not."""
    for name, holds in aims.items():
        print(f"{'reached' if holds else 'NOT REACHED'}: {name}")
    missed = [name for name, holds in aims.items() if not holds]
    if missed:
        sys.stdout.flush()
        sys.exit(f"{len(missed)} of {len(aims)} aims are not reached: {'; '.join(missed)}.")
