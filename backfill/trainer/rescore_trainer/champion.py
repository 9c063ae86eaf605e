"""The model that scores now, on the same validation rows: what the gate compares with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from .dataset import Dataset, Rows
from .errors import TrainingError
from .export import answers_of


@dataclass(frozen=True)
class Champion:
    version: str
    #: Of the validation rows.
    answers: np.ndarray


def champion_of(folder: Path | None, model: str, dataset: Dataset, rows: Rows, say: Callable[[str], None]) -> Champion | None:
    """None when there is no folder of that name, or when its model reads another layout: those rows it cannot answer.

    `folder/<model>/` holds model.onnx and manifest.json.
    """
    if folder is None or not (folder / model).is_dir():
        return None
    place = folder / model
    try:
        manifest = json.loads((place / "manifest.json").read_text())
        version, layout = manifest["version"], manifest["layout"]["fingerprint"]
        onnx = (place / "model.onnx").read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"--champions {place}: it is no artifact ({type(error).__name__}: {error}). "
            "It must hold model.onnx and manifest.json of the model that scores now."
        ) from None
    if layout != dataset.layout:
        say(f"the current model {version} reads another feature layout; it is not compared")
        return None
    answers = answers_of(onnx, rows.vectors)
    if not np.isfinite(answers).all():
        raise TrainingError(f"--champions {place}: it answers {np.isnan(answers).sum()} rows with no number. Roll it back.")
    return Champion(version, answers)
