"""The copies of a replicate's training texts as a training job reads them, and what it trains on.

Training jobs import this module and must start fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.hyperparameters import Copies
from finetuning.dataset import STORED, Examples
from finetuning.files import read_arrays, write_arrays


@dataclass(frozen=True)
class Copied:
    """Copies of the texts of a training set, and what the baseline says of them.

    examples: n texts copied k times, the first copy of every text first, each in the training
    set's order; the other arrays have shape (n * k,) but for right, (n,). usable: whether a copy
    may stand in for its text. agrees: whether the baseline gives it the label it gives the text;
    right: whether it gives the text the label it has; copy_right: the same of the copies.
    """

    examples: Examples
    usable: np.ndarray
    agrees: np.ndarray
    right: np.ndarray
    copy_right: np.ndarray


def paths(folder: Path, copies: Copies, replicate: int) -> dict[str, Path]:
    """The files of a way of copying in a replicate: texts, copies (to be trained on), timing."""
    beginning = folder / "data" / "copies" / copies.name / f"replicate={replicate}"
    endings = {"texts": "parquet", "copies": "safetensors", "timing": "timing.json"}
    return {name: Path(f"{beginning}.{ending}") for name, ending in endings.items()}


JUDGED = ("usable", "agrees", "right", "copy_right")


def write_copied(path: Path, copied: Copied, made_with: Mapping) -> None:
    """Writes copies with what they were made with."""
    arrays = {f"examples/{name}": getattr(copied.examples, name) for name in STORED}
    write_arrays(path, arrays | {name: getattr(copied, name) for name in JUDGED}, made_with)


def read_copied(path: Path, made_with: Mapping | None = None) -> Copied:
    """What `write_copied` wrote.

    Raises:
        UserError: the file is damaged, or was made with something else than made_with.
    """
    arrays = read_arrays(path, made_with)
    examples = Examples(*(arrays[f"examples/{name}"] for name in STORED))
    return Copied(examples, **{name: arrays[name] for name in JUDGED})


def training_sets(training: Examples, copied: Copied | None, augmentation: str) -> list[Examples]:
    """The sets that epochs train on in turn, all of the same size.

    Args:
        training: n texts.
        copied: k copies of each, or None: the texts alone.
        augmentation: "append" makes one set, of n * (1 + k) texts: the texts and all copies;
            "replace" makes k, each of n texts: one copy in place of each.

    Where a copy is not usable its text stands in, so that how many steps an epoch has depends on
    the number of copies alone, and classes keep their shares.
    """
    if copied is None:
        return [training]
    texts = np.arange(len(training))
    everything = training.followed_by(copied.examples)
    usable = copied.usable.reshape(-1, len(training))
    copies = [
        np.where(may, len(training) * (1 + number) + texts, texts)
        for number, may in enumerate(usable)
    ]
    chosen = [np.concatenate([texts, *copies])] if augmentation == "append" else copies
    return [everything.take(positions) for positions in chosen]
