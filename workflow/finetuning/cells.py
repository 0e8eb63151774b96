"""The files of a cell, and of the baseline on a replicate's evaluation set.

metrics.json, predictions.safetensors and history.csv are the same bytes however often and in
whatever company they are computed; what differs from time to time is in timing.json.
"""

import os
import resource
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from finetuning.dataset import Examples
from finetuning.files import read_digests, replace_atomically, sha256, write_json

SEALED = ("predictions.safetensors", "history.csv")  # their digests are in metrics.json
HISTORY = ("step", "epoch", "training_loss", "step_learning_rate")


def computed_from(checkpoint: Path, split: Path, copies: Path | None = None) -> dict[str, str]:
    """The digests of what a result is computed from, as its metrics.json notes them.

    copies: of the training texts, where it was trained on some. Raises UserError where the
    checkpoint's folder is damaged.
    """
    digests = {
        "checkpoint": read_digests(checkpoint)["model.safetensors"],
        "split": sha256(split),
    }
    return digests if copies is None else digests | {"copies": sha256(copies)}


def write_results(folder: Path, results: dict, logits: np.ndarray, examples: Examples) -> None:
    """Writes predictions.safetensors, and metrics.json with its digest and that of history.csv.

    logits: (examples, classes); no rows where the run diverged. ``examples`` in the file are row
    numbers in the study's table of texts.
    """
    evaluated = len(logits)
    predictions = {
        "logits": logits,
        "labels": examples.labels[:evaluated],
        "examples": examples.rows[:evaluated],
    }
    replace_atomically(folder / "predictions.safetensors", save(predictions))
    digests = {name: sha256(folder / name) for name in SEALED if (folder / name).exists()}
    write_json(folder / "metrics.json", results | {"sha256": digests})


def write_history(folder: Path, history: list[dict]) -> None:
    """Writes history.csv: a row for every step trained."""
    rows = [",".join(HISTORY), *(",".join(repr(row[name]) for name in HISTORY) for row in history)]
    replace_atomically(folder / "history.csv", "\n".join(rows) + "\n")


class Stopwatch:
    """Seconds spent on training since this process began its job; evaluations do not count."""

    def __init__(self) -> None:
        self.started = time.time()
        self.training = 0.0  # a run that goes on from its state adds what it took before
        self.running_since: float | None = self.started

    def pause(self) -> None:
        if self.running_since is not None:
            self.training += time.time() - self.running_since
        self.running_since = None

    def resume(self) -> None:
        self.running_since = time.time()

    @property
    def seconds(self) -> float:
        """Of training up to now, start-up and compilation included."""
        now = time.time()
        return self.training + (now - self.running_since if self.running_since else 0.0)

    def write(self, folder: Path, tokens: int, seconds: float) -> None:
        """Writes timing.json of a cell that took so many seconds of training.

        Peak memory is that of the process (MB, 2**20 bytes).
        """
        timing = {
            "started": round(self.started, 2),
            "finished": round(time.time(), 2),
            "process": os.getpid(),
            "seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        write_json(folder / "timing.json", timing)
