"""The state of a training run on disk, from which a killed job goes on."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from common.errors import UserError
from finetuning.files import read_arrays, write_arrays

FORMAT = 1


class State:
    """One safetensors file, written whole with a digest of its content, or not at all.

    made_with: everything that determines the run; a state of anything else is never used. every:
    seconds after which it is time to write again.
    """

    def __init__(self, path: Path, made_with: dict, every: float) -> None:
        self.path = path
        self.made_with = {"format": FORMAT, **made_with}
        self.every = every
        self.written = time.monotonic()

    def is_due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self.written >= self.every

    def write(self, arrays: dict[str, np.ndarray], record: dict) -> None:
        """Replaces the state by arrays and a record of what JSON can hold."""
        text = np.frombuffer(json.dumps(record).encode(), np.uint8)
        write_arrays(self.path, arrays | {"record": text}, self.made_with)
        self.written = time.monotonic()

    def read(self, say: Callable[[str], None]) -> tuple[dict[str, np.ndarray], dict] | None:
        """Arrays and record; None, and says why, where there are none that this run can use."""
        if not self.path.exists():
            return None
        try:
            arrays = read_arrays(self.path, self.made_with)
        except UserError as unusable:
            say(f"{unusable} Training starts from the baseline.")
            return None
        return arrays, json.loads(arrays.pop("record").tobytes())

    def discard(self) -> None:
        """Removes the state: the trajectory is complete."""
        self.path.unlink(missing_ok=True)
