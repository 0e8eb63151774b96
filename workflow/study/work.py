"""The jobs of a study that train or evaluate a model, and how much each has to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.hyperparameters import Hyperparameters
from design.grid import Cell, Grid
from finetuning import sources
from finetuning.augmentation.copied import paths
from finetuning.draws import EVERY_TEXT

PASSES = 3  # forward passes that take as long as a training step, which also goes backward


@dataclass(frozen=True)
class Task:
    """A job.

    log: its log file; done: a file that is there once it has ended; cells: how many it delivers;
    batch_size, epochs and steps: of its training; trained: examples in these steps; evaluated:
    examples evaluated.
    """

    log: Path
    done: Path
    cells: int = 0
    batch_size: int = 0
    epochs: int = 0
    steps: int = 0
    trained: int = 0
    evaluated: int = 0

    @property
    def passes(self) -> int:
        """Forward passes of one example that take as long as all of it."""
        return PASSES * self.trained + self.evaluated


def tasks(folder: Path, config: Mapping[str, Any], source: Mapping[str, Any]) -> list[Task]:
    """Every job of the study, in the order in which they can start.

    folder: results/<study>. source: source.json, or of a source that is not resolved yet its kind.
    Sets of all texts count as empty as long as it is not.
    """
    config = sources.sized(config, source["kind"])
    texts = source.get("texts", {})
    evaluated = evaluation_examples(config, texts)
    return [
        *_making_the_baseline(folder, config, source, texts),
        *(
            _evaluating_it(folder, replicate, evaluated)
            for replicate in range(config["replicates"])
        ),
        *_judging_copies(folder, config),
        *_training_runs(folder, config, evaluated),
    ]


def evaluation_examples(config: Mapping[str, Any], texts: Mapping[str, int]) -> int:
    """How many texts a cell is evaluated on, at most where they are all that training leaves."""
    data = config["data"]
    if data["evaluation_examples"] != EVERY_TEXT:
        return data["evaluation_examples"]
    left = texts.get("study", 0) - data["training_examples"]
    return texts.get("study_evaluation", max(left, 0))


def _making_the_baseline(
    folder: Path, config: Mapping, source: Mapping, texts: Mapping
) -> Iterator[Task]:
    if not sources.makes_baseline(source):
        return
    settings = config[source["kind"]]
    hyperparameters = Hyperparameters(**settings["baseline"])
    examples = settings["baseline_examples"] or texts.get("baseline", 0)
    yield _task(
        folder / "logs" / "make_baseline.log",
        folder / "baseline" / "checkpoint" / "digests.json",
        hyperparameters,
        examples,
    )


def _evaluating_it(folder: Path, replicate: int, evaluated: int) -> Task:
    name = f"replicate={replicate}"
    return Task(
        folder / "logs" / "evaluate_baseline" / f"{name}.log",
        folder / "baseline" / name / "metrics.json",
        evaluated=evaluated,
    )


def _judging_copies(folder: Path, config: Mapping) -> Iterator[Task]:
    """The baseline's labels of the training texts and of their copies."""
    examples = config["data"]["training_examples"] - config["data"]["validation_examples"]
    ways = Grid.from_config(config).copies.values()
    for replicate in range(config["replicates"]):
        for copies in ways:
            yield Task(
                folder / "logs" / "judge_copies" / copies.name / f"replicate={replicate}.log",
                paths(folder, copies, replicate)["copies"],
                evaluated=examples * (1 + copies.number),
            )


def _training_runs(folder: Path, config: Mapping, evaluated: int) -> Iterator[Task]:
    grid = Grid.from_config(config)
    validation = config["data"]["validation_examples"]
    by_trajectory: dict[str, list[Cell]] = {}
    for cell in grid.cells():
        by_trajectory.setdefault(grid.trajectory(cell), []).append(cell)
    for cells in by_trajectory.values():
        last = max(cells, key=lambda cell: grid.hyperparameters(cell).epochs)
        hyperparameters = grid.hyperparameters(last)
        validated = hyperparameters.epochs * validation if hyperparameters.validates else 0
        yield _task(
            folder / "logs" / "cells" / grid.log(last),
            folder / "cells" / grid.folder(last) / "timing.json",
            hyperparameters,
            (config["data"]["training_examples"] - validation) * _times(grid, last),
            len(cells),
            len(cells) * evaluated + validated,
        )


def _times(grid: Grid, cell: Cell) -> int:
    """How often an epoch has each text: once, and with each copy that stands beside it."""
    copies = grid.copies_of(cell)
    if copies is None or grid.hyperparameters(cell).augmentation != "append":
        return 1
    return 1 + copies.number


def _task(
    log: Path,
    done: Path,
    hyperparameters: Hyperparameters,
    examples: int,
    cells: int = 0,
    evaluated: int = 0,
) -> Task:
    size, epochs = hyperparameters.batch_size, hyperparameters.epochs
    steps = epochs * -(-examples // size)
    return Task(log, done, cells, size, epochs, steps, epochs * examples, evaluated)
