"""Trains one trajectory and delivers its cells."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from common.hyperparameters import Hyperparameters
from common.metrics import measure
from finetuning.augmentation.copied import Copied, training_sets
from finetuning.cells import Stopwatch, write_history, write_results
from finetuning.dataset import Split
from finetuning.state import State
from finetuning.tally import Tally
from finetuning.trainer import Diverged, Run


@dataclass(frozen=True)
class Cell:
    """What a cell came to.

    outcome: status, metrics and what else metrics.json says of it alone; logits: (examples,
    classes), no rows where the run diverged; seconds: of training.
    """

    outcome: dict
    logits: np.ndarray
    steps: int
    tokens: int
    seconds: float


@dataclass
class Delivery:
    """A run and the cells that it has delivered, both kept in its state.

    folders: epochs to the folder of the cell trained that long. provenance: what else the results
    depend on, for their record.
    """

    run: Run
    split: Split
    seeds: dict[str, int]
    provenance: dict
    folders: dict[int, Path]
    state: State
    stopwatch: Stopwatch
    cells: dict[int, Cell] = field(default_factory=dict)

    def deliver(self, epochs: int, cell: Cell) -> None:
        """Writes the files of the cell."""
        folder = self.folders[epochs]
        record = {
            **cell.outcome,
            "hyperparameters": replace(self.run.hyperparameters, epochs=epochs).record(),
            "training_examples": len(self.split.training),
            "validation_examples": len(self.split.validation),
            "evaluation_examples": len(self.split.evaluation),
            "steps": cell.steps,
            "seeds": self.seeds,
            **self.provenance,
        }
        write_history(folder, self.run.progress.history[: cell.steps])
        write_results(folder, record, cell.logits, self.split.evaluation)
        self.stopwatch.write(folder, cell.tokens, cell.seconds)
        self.cells[epochs] = cell

    def keep(self) -> None:
        """Writes the state."""
        arrays, progress = self.run.state()
        delivered = {}
        for epochs, cell in self.cells.items():
            arrays[f"logits.{epochs}"] = cell.logits
            delivered[epochs] = {k: v for k, v in asdict(cell).items() if k != "logits"}
        record = {"progress": progress, "seconds": self.stopwatch.seconds, "cells": delivered}
        self.state.write(arrays, record)

    def resume(self, say: Callable[[str], None]) -> None:
        """Goes back to the state of the run if it was killed, and delivers its cells again."""
        kept = self.state.read(say)
        if not kept:
            return
        arrays, record = kept
        self.run.restore(arrays, record["progress"])
        self.stopwatch.training = record["seconds"]
        for epochs, cell in record["cells"].items():
            self.deliver(int(epochs), Cell(**cell, logits=arrays[f"logits.{epochs}"]))
        say(f"resuming after step {len(self.run.progress.history)}")


def deliver_cells(
    checkpoint: Path,
    split: Split,
    hyperparameters: Hyperparameters,
    seeds: dict[str, int],
    provenance: dict,
    folders: dict[int, Path],
    state: State,
    tally: Tally,
    say: Callable[[str], None] = print,
    copied: Copied | None = None,
) -> None:
    """Fine-tunes the checkpoint and writes a cell's files after each of the epochs asked for.

    provenance: what else the results depend on, for their record. folders: epochs to the folder of
    the cell trained that long. state: where the run is kept, and gone on from if it was killed.
    tally: is kept up with what is done. say: is told a line an epoch.
    A run that stops early delivers its longer cells with the weights it stopped with, one that
    diverges without predictions; their status says so. copied: the copies of the training texts,
    where the hyperparameters ask for some.
    """
    stopwatch = Stopwatch()
    sets = training_sets(split.training, copied, hyperparameters.augmentation)
    run = Run(checkpoint, sets, hyperparameters, seeds, split.validation)
    run.predict = tally.counting(run.predict)
    delivery = Delivery(run, split, seeds, provenance, folders, state, stopwatch)

    def after_step() -> None:
        tally.trained(len(run.progress.history), run.examples_trained, run.progress.tokens)
        if state.is_due():
            delivery.keep()

    delivery.resume(say)
    try:
        for epoch in run.epochs(after_step=after_step):
            stopwatch.pause()
            line = f"epoch {epoch}: training loss {run.progress.history[-1]['training_loss']:.4f}"
            if epoch in folders:
                cell = evaluate(run, split, stopwatch.seconds)
                delivery.deliver(epoch, cell)
                metrics = cell.outcome["metrics"]
                line += f", evaluation loss {metrics['loss']:.4f}"
                line += f", accuracy {metrics['accuracy']:.4f}"
            say(line)
            stopwatch.resume()
        outcome = {"status": "stopped_early", "stopped_after_epoch": run.progress.epoch}
        stopped = [epochs for epochs in folders if epochs > run.progress.epoch]
        if stopped:
            say(f"no better validation loss since epoch {run.progress.best_epoch}: stopped early")
            cell = evaluate(run, split, stopwatch.seconds, **outcome)
    except Diverged as divergence:
        say(f"{divergence}: this and longer cells are recorded as diverged")
        stopped = [epochs for epochs in folders if epochs not in delivery.cells]
        outcome = {"status": "diverged", "diverged_at_step": divergence.step}
        none = np.zeros((0, run.classifier.num_classes), np.float32)
        cell = Cell(outcome, none, len(run.progress.history), 0, stopwatch.seconds)
    for epochs in stopped:
        delivery.deliver(epochs, cell)
    state.discard()


def evaluate(run: Run, split: Split, seconds: float, **remarks: object) -> Cell:
    """The cell that a run has come to. Raises Diverged where its logits are not finite."""
    progress = run.progress
    logits = run.logits(split.evaluation)
    if not np.isfinite(logits).all():
        raise Diverged(len(progress.history))
    outcome = {
        "status": "ok",
        "metrics": measure(logits, split.evaluation.labels),
        "tokens": progress.tokens,
        "padding_share": round(1 - progress.tokens / progress.padded, 4),
    }
    if run.hyperparameters.early_stopping:
        outcome["best_epoch"] = progress.best_epoch
    return Cell(outcome | remarks, logits, len(progress.history), progress.tokens, seconds)
