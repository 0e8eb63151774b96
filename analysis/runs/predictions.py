"""Stored predictions: the logits that a run and the baseline gave for the evaluation examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from common.errors import UserError
from common.messages import one_line, shown
from common.metrics import Scored


@dataclass(frozen=True)
class Predictions(Scored):
    """Logits of one model on one evaluation set: (n, classes), labels (n,), example ids (n,)."""

    examples: np.ndarray

    def take(self, rows: np.ndarray) -> Predictions:
        return Predictions(self.logits[rows], self.labels[rows], self.examples[rows])


def read_predictions(runs: pd.DataFrame, folder: Path) -> dict[str, Predictions]:
    """Every predictions file that the run table names and that exists, by its name there.

    Files are absent in a shared example of a study; a broken one raises UserError.
    """
    names: set[str] = set()
    for column in ("predictions", "baseline_predictions"):
        if column in runs:
            names |= {name for name in runs[column] if isinstance(name, str) and name}
    found = {}
    for name in sorted(names):
        path = Path(folder) / name
        if path.is_file():
            try:
                tensors = load_file(path)
                found[name] = Predictions(tensors["logits"], tensors["labels"], tensors["examples"])
                _check(found[name])
            except Exception as error:  # safetensors raises its own kinds
                raise UserError(
                    f"{shown(name)}: not a predictions file ({one_line(error)}); wanted is a "
                    "safetensors file with logits (n, classes), labels (n,) and examples (n,)."
                ) from error
    return found


def _check(predictions: Predictions) -> None:
    """Raises ValueError where the arrays do not go together."""
    logits, labels, examples = predictions.logits, predictions.labels, predictions.examples
    if logits.ndim != 2 or logits.shape[1] < 2 or not np.isfinite(logits).all():
        raise ValueError("logits are not two columns or more of finite numbers")
    if labels.shape != examples.shape or labels.shape != logits.shape[:1]:
        raise ValueError("logits, labels and examples are not as many")
    if not np.issubdtype(labels.dtype, np.integer) or not np.issubdtype(examples.dtype, np.integer):
        raise ValueError("labels or examples are not whole numbers")
    if len(labels) and not (labels.min() >= 0 and labels.max() < logits.shape[1]):
        raise ValueError("a label has no column of logits")
