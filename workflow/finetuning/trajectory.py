"""Trains one trajectory and delivers its cells."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
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
    cells: dict[int, Cell] = {}

    def deliver(epochs: int, cell: Cell) -> None:
        record = {
            **cell.outcome,
            "hyperparameters": replace(hyperparameters, epochs=epochs).record(),
            "training_examples": len(split.training),
            "validation_examples": len(split.validation),
            "evaluation_examples": len(split.evaluation),
            "steps": cell.steps,
            "seeds": seeds,
            **provenance,
        }
        write_history(folders[epochs], run.progress.history[: cell.steps])
        write_results(folders[epochs], record, cell.logits, split.evaluation)
        stopwatch.write(folders[epochs], cell.tokens, cell.seconds)
        cells[epochs] = cell

    def keep() -> None:
        arrays, progress = run.state()
        delivered = {}
        for epochs, cell in cells.items():
            arrays[f"logits.{epochs}"] = cell.logits
            delivered[epochs] = {k: v for k, v in asdict(cell).items() if k != "logits"}
        record = {"progress": progress, "seconds": stopwatch.seconds, "cells": delivered}
        state.write(arrays, record)

    def after_step() -> None:
        tally.trained(len(run.progress.history), run.examples_trained, run.progress.tokens)
        if state.is_due():
            keep()

    kept = state.read(say)
    if kept:
        arrays, record = kept
        run.restore(arrays, record["progress"])
        stopwatch.training = record["seconds"]
        for epochs, cell in record["cells"].items():
            deliver(int(epochs), Cell(**cell, logits=arrays[f"logits.{epochs}"]))
        say(f"going on after step {len(run.progress.history)}")
    try:
        for epoch in run.epochs(after_step=after_step):
            stopwatch.pause()
            line = f"epoch {epoch}: training loss {run.progress.history[-1]['training_loss']:.4f}"
            if epoch in folders:
                cell = evaluate(run, split, stopwatch.seconds)
                deliver(epoch, cell)
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
        stopped = [epochs for epochs in folders if epochs not in cells]
        outcome = {"status": "diverged", "diverged_at_step": divergence.step}
        none = np.zeros((0, run.classifier.num_classes), np.float32)
        cell = Cell(outcome, none, len(run.progress.history), 0, stopwatch.seconds)
    for epochs in stopped:
        deliver(epochs, cell)
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
