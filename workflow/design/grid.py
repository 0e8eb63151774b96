"""The cells of a study: their values, their seeds, and the folders that hold their results.

A cell is one level of every factor in one replicate. A trajectory is one training run: every
factor but epochs, and the replicate; it delivers a cell for each level of epochs it passes.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.hyperparameters import LOOKS_AHEAD, NAMES, Hyperparameters, with_neutral
from design import DEFAULT, DESIGNS, Setting

Cell = dict[str, Any]  # the level of every factor, and the replicate

SEED_NAMES = ("order", "dropout")
# Named integers of the random draws made from the study's seed.
BASELINE_TRAINING, CELL_TRAINING = 201, 202


@dataclass(frozen=True)
class Grid:
    """The cells of a study.

    levels: factor to its levels, in the order of the configuration; settings: what the design
    chose, a level of every factor but epochs each; fixed: the hyperparameters that the
    configuration fixes, to their values; share_epochs: whether one run may deliver several cells.
    """

    levels: dict[str, tuple]
    settings: tuple[Setting, ...]
    fixed: dict[str, Any]
    replicates: int
    share_epochs: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Grid":
        levels = {name: tuple(factor["levels"]) for name, factor in config["factors"].items()}
        settings = tuple(DESIGNS[config.get("design", DEFAULT)](config))
        fixed = {
            name: config["training"][name]
            for name in NAMES
            if name in config["training"] and name not in levels
        }
        return cls(levels, settings, fixed, config["replicates"], config["share_epochs"])

    @property
    def folder_pattern(self) -> str:
        """A cell's folder with Snakemake wildcards: "learning_rate={learning_rate}/…"."""
        return "/".join(f"{name}={{{name}}}" for name in (*self.levels, "replicate"))

    def folder(self, cell: Cell) -> str:
        """The folder of a cell (factors and replicate), below the study's folder of cells."""
        return self.folder_pattern.format(**{k: level_name(v) for k, v in cell.items()})

    @property
    def log_pattern(self) -> str:
        """The log of a training run that may deliver several cells, with Snakemake wildcards."""
        return self.folder_pattern.replace("epochs={epochs}/", "") + ".log"

    def log(self, cell: Cell) -> str:
        """The log of the training run that a cell belongs to, below the folder of such logs."""
        shared = self.shares((self.fixed | cell)["schedule"])
        pattern = self.log_pattern if shared else self.folder_pattern + ".log"
        return pattern.format(**{name: level_name(value) for name, value in cell.items()})

    def cells(self) -> Iterator[Cell]:
        """Every cell: each factor's level, in the order of the levels, and a replicate (from 0)."""
        for replicate in range(self.replicates):
            for levels in self._chosen:
                yield levels | {"replicate": replicate}

    @cached_property
    def _chosen(self) -> list[Cell]:
        """The levels of every cell of a replicate."""
        place = {name: {level: n for n, level in enumerate(v)} for name, v in self.levels.items()}
        epochs = [{"epochs": level} for level in self.levels.get("epochs", ())] or [{}]
        cells = [
            {name: (setting | trained)[name] for name in self.levels}
            for setting, trained in itertools.product(self.settings, epochs)
        ]
        return sorted(cells, key=lambda cell: [place[name][cell[name]] for name in cell])

    def parse(self, folder: Path) -> Cell:
        """The cell that a folder belongs to."""
        names = dict(part.split("=", 1) for part in folder.parts if "=" in part)
        cell = {
            factor: next(level for level in levels if level_name(level) == names[factor])
            for factor, levels in self.levels.items()
        }
        return cell | {"replicate": int(names["replicate"])}

    def constraint(self, name: str) -> str:
        """A regular expression for the names of a factor's levels."""
        return "|".join(re.escape(level_name(level)) for level in self.levels[name])

    def hyperparameters(self, cell: Cell) -> Hyperparameters:
        """The hyperparameters of a cell."""
        values = with_neutral(self.fixed | cell)
        return Hyperparameters(**{name: values[name] for name in NAMES})

    def shares(self, schedule: str) -> bool:
        """Whether runs with this schedule deliver the cells of several levels of epochs."""
        return self.share_epochs and schedule not in LOOKS_AHEAD

    def trajectory(self, cell: Cell) -> str:
        """The name of the training run a cell belongs to, e.g. "learning_rate=3e-05 … replicate=0".

        Cells that are runs of their own have names of their own.
        """
        shared = self.shares((self.fixed | cell)["schedule"])
        return " ".join(
            f"{name}={level_name(value)}"
            for name, value in cell.items()
            if not (shared and name == "epochs")
        )


def values_of(config: Mapping[str, Any], name: str) -> dict[str, list]:
    """The key that sets a hyperparameter, and its levels or its one value."""
    if name in config["factors"]:
        return {f"factors.{name}.levels": config["factors"][name]["levels"]}
    return {f"training.{name}": [with_neutral(config["training"])[name]]}


def level_name(level: float | int | str) -> str:
    """A level as it stands in a path: 3e-05, 16, linear."""
    return level if isinstance(level, str) else repr(level)


def replicate_seeds(seed: int, replicate: int) -> dict[str, int]:
    """The seeds a replicate trains with: order of the batches, and dropout.

    All cells of a replicate share them, and its training and evaluation sets: the replicate is a
    block, and what it has in common cancels in every comparison of cells.
    """
    return _seeds([seed, CELL_TRAINING, replicate])


def baseline_seeds(seed: int) -> dict[str, int]:
    """The seeds that an embedded baseline is made with."""
    return _seeds([seed, BASELINE_TRAINING])


def _seeds(entropy: list[int]) -> dict[str, int]:
    states = np.random.SeedSequence(entropy).generate_state(len(SEED_NAMES))
    return {n: int(state >> 1) for n, state in zip(SEED_NAMES, states, strict=True)}
