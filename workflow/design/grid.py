"""The cells of a study: their values, their seeds, and the folders that hold their results.

A cell is one level of every factor in one replicate. A trajectory is one training run: every
factor but epochs, and the replicate; it delivers a cell for each level of epochs it passes. Where a
design has a setting more than once, its further runs are repeats 1, 2, … of the same cells.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.hyperparameters import (
    LOOKS_AHEAD,
    NAMES,
    Copies,
    Hyperparameters,
    recorded,
    with_neutral,
)
from design import DEFAULT, settings_of
from design.space import Setting

Cell = dict[str, Any]  # the level of every factor, and the replicate; its repeat, in some designs

SEED_NAMES = ("order", "dropout")
# Named integers of the random draws made from the study's seed.
BASELINE_TRAINING, CELL_TRAINING = 201, 202


@dataclass(frozen=True)
class Grid:
    """The cells of a study.

    levels: factor to its levels, in the order of the configuration; settings: what the design
    chose, a level of every factor but those that every run delivers; fixed: the hyperparameters
    that the configuration fixes, to their values, as `recorded` has them; share_epochs: whether one
    run may deliver several cells.
    """

    levels: dict[str, tuple]
    settings: tuple[Setting, ...]
    fixed: dict[str, Any]
    replicates: int
    share_epochs: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Grid":
        settings = tuple(settings_of(config))
        levels = {
            name: _levels(name, factor, config.get("design", DEFAULT), settings)
            for name, factor in config["factors"].items()
        }
        fixed = {
            name: config["training"][name]
            for name in NAMES
            if name in config["training"] and name not in levels
        }
        return cls(levels, settings, recorded(fixed), config["replicates"], config["share_epochs"])

    @property
    def folder_pattern(self) -> str:
        """A cell's folder with Snakemake wildcards: "learning_rate={learning_rate}/…".

        In a design that repeats settings {repeat} is empty, or "/repeat=1" and so on.
        """
        pattern = "/".join(f"{name}={{{name}}}" for name in (*self.levels, "replicate"))
        return pattern + "{repeat}" * self.repeats

    def folder(self, cell: Cell) -> str:
        """The folder of a cell (factors and replicate), below the study's folder of cells."""
        names = {k: level_name(v) for k, v in cell.items()}
        if self.repeats:
            names["repeat"] = f"/repeat={cell['repeat']}" if cell["repeat"] else ""
        return self.folder_pattern.format(**names)

    @property
    def run_pattern(self) -> str:
        """The folder pattern of a training run that may deliver several levels of epochs."""
        return self.folder_pattern.replace("epochs={epochs}/", "")

    def log(self, cell: Cell) -> str:
        """The log of the training run that a cell belongs to, below the folder of such logs."""
        folder = self.folder(cell)
        if self.shares((self.fixed | cell)["schedule"]) and "epochs" in cell:
            folder = folder.replace(f"epochs={level_name(cell['epochs'])}/", "")
        return f"{folder}.log"

    @cached_property
    def repeats(self) -> bool:
        """Whether the design has a setting more than once."""
        return any(times > 1 for _, times in self._counted)

    @cached_property
    def _counted(self) -> list[tuple[Setting, int]]:
        """The different settings, and how often the design has each."""
        found = {tuple(setting.items()): setting for setting in self.settings}
        times = Counter(tuple(setting.items()) for setting in self.settings)
        return [(setting, times[key]) for key, setting in found.items()]

    def cells(self) -> Iterator[Cell]:
        """Every cell: each factor's level, in the order of the levels, a replicate (from 0), and
        in a design that repeats settings the repeat (from 0)."""
        for replicate in range(self.replicates):
            for levels, times in self._chosen:
                for repeat in range(times):
                    own = {"repeat": repeat} if self.repeats else {}
                    yield levels | {"replicate": replicate} | own

    @cached_property
    def _chosen(self) -> list[tuple[Cell, int]]:
        """The levels of every cell of a replicate, and how often it is run."""
        place = {name: {level: n for n, level in enumerate(v)} for name, v in self.levels.items()}
        chosen = self.settings[0] if self.settings else {}
        delivered = () if "epochs" in chosen else self.levels.get("epochs", ())
        epochs = [{"epochs": level} for level in delivered] or [{}]
        cells = [
            ({name: (setting | trained)[name] for name in self.levels}, times)
            for (setting, times), trained in itertools.product(self._counted, epochs)
        ]
        return sorted(cells, key=lambda cell: [place[name][v] for name, v in cell[0].items()])

    def parse(self, folder: Path) -> Cell:
        """The cell that a folder belongs to."""
        names = dict(part.split("=", 1) for part in folder.parts if "=" in part)
        cell = {
            factor: next(level for level in levels if level_name(level) == names[factor])
            for factor, levels in self.levels.items()
        }
        own = {"repeat": int(names.get("repeat", 0))} if self.repeats else {}
        return cell | {"replicate": int(names["replicate"])} | own

    @property
    def constraints(self) -> dict[str, str]:
        """Regular expressions for the wildcards of `folder_pattern`."""
        repeat = {"repeat": r"(/repeat=\d+)?"} if self.repeats else {}
        return {name: self.constraint(name) for name in self.levels} | repeat

    def constraint(self, name: str) -> str:
        """A regular expression for the names of a factor's levels."""
        return "|".join(re.escape(level_name(level)) for level in self.levels[name])

    def hyperparameters(self, cell: Cell) -> Hyperparameters:
        """The hyperparameters of a cell."""
        values = with_neutral(self.fixed | cell)
        return Hyperparameters(**{name: values[name] for name in NAMES})

    @cached_property
    def copies(self) -> dict[str, Copies]:
        """Every way in which the grid's cells have training texts copied, by its name."""
        found = (self.copies_of(setting) for setting in self.settings)
        return {each.name: each for each in found if each is not None}

    def copies_of(self, setting: Setting) -> Copies | None:
        """How a setting, or a cell, has training texts copied; None where it does not."""
        return Copies.of(with_neutral(self.fixed | setting))

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
            if not (shared and name == "epochs") and (name, value) != ("repeat", 0)
        )


def _levels(
    name: str, factor: Mapping[str, Any], design: Any, settings: Sequence[Setting]
) -> tuple[Any, ...]:
    """The values of a factor that are run, in the configuration's order or else ascending."""
    given = factor.get("levels")
    if given is not None and (design == "full" or name not in settings[0]):
        return tuple(given)
    used = {setting[name] for setting in settings}
    return tuple(sorted(used)) if given is None else tuple(x for x in given if x in used)


def level_name(level: float | int | str) -> str:
    """A level as it stands in a path: 3e-05, 16, linear."""
    return level if isinstance(level, str) else repr(level)


def replicate_seeds(seed: int, replicate: int, repeat: int = 0) -> dict[str, int]:
    """The seeds a replicate trains with: order of the batches, and dropout.

    All cells of a replicate share them, and its training and evaluation sets: the replicate is a
    block, and what it has in common cancels in every comparison of cells. Repeats share the sets.
    """
    return _seeds([seed, CELL_TRAINING, replicate, *([repeat] if repeat else [])])


def baseline_seeds(seed: int) -> dict[str, int]:
    """The seeds that an embedded baseline is made with."""
    return _seeds([seed, BASELINE_TRAINING])


def _seeds(entropy: list[int]) -> dict[str, int]:
    states = np.random.SeedSequence(entropy).generate_state(len(SEED_NAMES))
    return {n: int(state >> 1) for n, state in zip(SEED_NAMES, states, strict=True)}
