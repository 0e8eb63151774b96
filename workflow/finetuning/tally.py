"""How far a job is, in a small file for whoever watches the study."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from finetuning.files import replace_atomically

EVERY = 2  # seconds
SUFFIX = ".tally.json"
TALLIES = f"*{SUFFIX}"
Output = TypeVar("Output")


@dataclass
class Count:
    """What a job has done: training steps, the examples and tokens in them (without padding), and
    the rows it has evaluated (with those that fill up a batch).
    """

    steps: int = 0
    trained: int = 0
    tokens: int = 0
    evaluated: int = 0


class Tally:
    """Keeps a job's count in a file beside its log; the file is removed at the end."""

    def __init__(self, log: Path) -> None:
        self.path = tally_path(log)
        self.count = Count()
        self._write()

    def __enter__(self) -> "Tally":
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

    def trained(self, steps: int, examples: int, tokens: int) -> None:
        """Says how far training is, from its beginning."""
        self.count.steps, self.count.trained, self.count.tokens = steps, examples, tokens
        self._write_if_due()

    def counting(self, predictor: Callable[..., Output]) -> Callable[..., Output]:
        """The predictor (tokens, mask), with each batch counted as evaluated."""

        def predict(tokens: np.ndarray, mask: np.ndarray) -> Output:
            logits = predictor(tokens, mask)
            self.count.evaluated += len(tokens)
            self._write_if_due()
            return logits

        return predict

    def _write_if_due(self) -> None:
        if time.monotonic() - self._written >= EVERY:
            self._write()

    def _write(self) -> None:
        replace_atomically(self.path, json.dumps(asdict(self.count)))
        self._written = time.monotonic()


def tally_path(log: Path) -> Path:
    """Where the tally of a job is, by its log."""
    return log.with_suffix(SUFFIX)


def read_count(path: Path) -> Count:
    """What a tally says. Raises FileNotFoundError where there is none (any more)."""
    return Count(**json.loads(path.read_text()))
