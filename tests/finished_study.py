"""A finished study out of thin air: every file that jobs would have left, of random numbers.

Written by the production code, so that all digests fit, but without TensorFlow and in milliseconds
a cell.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from common.metrics import measure
from design.grid import Grid
from finetuning import runtime
from finetuning.cells import computed_from, write_history, write_results
from finetuning.dataset import PARTS, Examples, Split, write_split
from finetuning.files import write_digests, write_json
from study import made_with

STEPS = 4  # of an epoch


def write_finished_study(
    folder: Path, config: Mapping, diverged: Callable[[dict], bool] = lambda cell: False
) -> dict:
    """Writes what a study's cells are gathered from, and returns its source.

    folder: results/<study>; diverged: whether a cell (its levels and replicate) did.
    """
    draw = np.random.default_rng(0)
    grid = Grid.from_config(config)
    source = {
        "kind": "hub",
        "sentence": "Random numbers.",
        "checkpoint": "none",
        "checkpoint_revision": None,
        "dataset": "none",
        "dataset_revision": None,
        "sha256": {"sentences.csv": "0" * 64},
        "licence": {"checkpoint": None, "dataset": None},
        "labels": ["negative", "positive"],
        "requested": made_with.source(config),
        "texts": {"study": 100},
    }
    write_json(folder / "source.json", source)
    checkpoint = folder / "baseline" / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "model.safetensors").write_bytes(draw.bytes(1000))
    write_digests(checkpoint, made_with.checkpoint(config, source))

    evaluation, origins = [], []
    for replicate in range(grid.replicates):
        split = folder / "data" / f"replicate={replicate}.safetensors"
        sets = Split(*(_examples(config["data"][f"{part}_examples"], draw) for part in PARTS))
        write_split(split, sets, made_with.split(config, source))
        evaluation.append(sets.evaluation)
        origins.append(computed_from(checkpoint, split))
        logits = draw.normal(size=(len(sets.evaluation), 2)).astype(np.float32)
        results = {
            "metrics": measure(logits, sets.evaluation.labels),
            **made_with.evaluation(config, origins[replicate]),
        }
        write_results(
            folder / "baseline" / f"replicate={replicate}", results, logits, sets.evaluation
        )

    provenance = runtime.provenance(config["training"]["threads"])
    for cell in grid.cells():
        replicate = cell["replicate"]
        examples = evaluation[replicate]
        steps = STEPS * grid.hyperparameters(cell).epochs
        logits = draw.normal(size=(len(examples), 2)).astype(np.float32)
        outcome = {"status": "ok", "metrics": measure(logits, examples.labels), "tokens": 50}
        if diverged(cell):
            steps -= 1
            outcome = {"status": "diverged", "diverged_at_step": steps}
            logits = logits[:0]
        results = {
            **outcome,
            **made_with.cell(config, grid, cell, origins[replicate]),
            "steps": steps,
            **provenance,
        }
        path = folder / "cells" / grid.folder(cell)
        write_history(path, [_step(step) for step in range(1, steps + 1)])
        write_results(path, results, logits, examples)
        timing = {"started": 0.0, "finished": 9.0, "process": 1, "seconds": 9.0}
        write_json(path / "timing.json", timing | {"peak_memory_mb": 700})
    return source


def _examples(number: int, draw: np.random.Generator) -> Examples:
    return Examples(
        tokens=np.zeros(number, np.int32),
        offsets=np.arange(number + 1),
        labels=draw.integers(0, 2, number, dtype=np.int32),
        rows=np.arange(number, dtype=np.int32),
        padded_lengths=np.array([16, 40], np.int32),
    )


def _step(step: int) -> dict:
    numbers = {"training_loss": 1 / step, "step_learning_rate": 0.1}
    return {"step": step, "epoch": step / STEPS, **numbers}
