"""Gathers what the cells left behind into the tables that the analysis reads.

Nothing is gathered that is damaged or was computed with another configuration, checkpoint or
split than the present ones.
"""

import csv
import json
import os
import platform
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load

from common.errors import UserError
from common.hyperparameters import of_baseline
from common.metrics import HISTORY_METRICS, METRICS, measure
from design.grid import Grid, replicate_seeds
from finetuning import sources
from finetuning.augmentation.copied import paths
from finetuning.dataset import PARTS, Split, read_split
from finetuning.draws import count_labels
from finetuning.files import (
    check_digest,
    check_made_with,
    damaged,
    read_arrays,
    read_digests,
    read_json,
    replace_atomically,
    sha256,
    write_json,
)
from finetuning.sameness import near_duplicates
from study import augmented, made_with

NAMED = 10  # unusable cells that a message names at most


@dataclass(frozen=True)
class Cell:
    """values: levels and replicate; folder: below the study's; results: metrics.json."""

    values: dict
    folder: Path
    results: dict
    timing: dict


@dataclass(frozen=True)
class Study:
    """The cells in the grid's order, and of each replicate its baseline's metrics.json and what
    `describe_split` says of its sets.
    """

    grid: Grid
    cells: list[Cell]
    baselines: list[dict]
    sets: list[dict]


def gather_tables(folder: Path, config: dict) -> None:
    """Writes runs.csv, histories.csv and provenance.json of results/<study>; with augmentation also
    augmentation.csv and augmentation_examples.csv.

    Raises UserError as `read_study` does, and then writes nothing.
    """
    source = read_json(folder / "source.json")
    grid, sized = Grid.from_config(config), sources.sized(config, source["kind"])
    study = read_study(folder, grid, sized, source)
    tables = {
        "runs.csv": gather_runs(study, config[source["kind"]]["baseline"]),
        "histories.csv": gather_histories(folder, study),
    }
    copied = augmented.read_augmented(folder, grid, config, source)
    if copied:
        tables["augmentation.csv"] = augmented.summary(copied)
        tables["augmentation_examples.csv"] = augmented.examples(
            copied, config["seed"], source["labels"]
        )
    for name, table in tables.items():
        replace_atomically(folder / name, table.to_csv(index=False))
    digests = {name: sha256(folder / name) for name in tables}
    provenance = gather_provenance(study, config, source, digests)
    write_json(folder / "provenance.json", provenance)


def read_study(folder: Path, grid: Grid, config: Mapping, source: Mapping) -> Study:
    """Reads and checks the records of all cells and baselines below results/<study>.

    Raises:
        UserError: files are damaged, or were made with something else than the configuration,
            checkpoint and splits that are there now; names them and what to do.
    """
    check_made_with(folder / "source.json", source["requested"], made_with.source(config))
    checkpoint = folder / "baseline" / "checkpoint"
    weights = read_digests(checkpoint, made_with.checkpoint(config, source))["model.safetensors"]
    computed_from, baselines, sets = [], [], []
    for replicate in range(grid.replicates):
        split = folder / "data" / f"replicate={replicate}.safetensors"
        read_arrays(split, made_with.split(config, source))
        sets.append({"replicate": replicate, **describe_split(read_split(split))})
        computed_from.append({"checkpoint": weights, "split": sha256(split)})
        baseline = folder / _baseline(replicate)
        results = _intact_results(baseline)
        check_made_with(baseline, results, made_with.evaluation(config, computed_from[replicate]))
        baselines.append(results)

    of_copies = {
        (name, replicate): sha256(paths(folder, copies, replicate)["copies"])
        for name, copies in grid.copies.items()
        for replicate in range(grid.replicates)
    }
    cells, unusable = [], {}
    for values in grid.cells():
        cell, replicate = Path("cells") / grid.folder(values), values["replicate"]
        origin, copies = computed_from[replicate], grid.copies_of(values)
        if copies is not None:
            origin = origin | {"copies": of_copies[copies.name, replicate]}
        wanted = made_with.cell(config, grid, values, origin)
        try:
            results = _intact_results(folder / cell)
            check_made_with(folder / cell, made_with.completed(results), wanted)
            cells.append(Cell(values, cell, results, read_json(folder / cell / "timing.json")))
        except UserError as error:
            unusable[folder / cell] = error
    if unusable:
        raise _unusable_cells(unusable, folder / "cells", len(cells))
    return Study(grid, cells, baselines, sets)


def describe_split(split: Split) -> dict[str, Any]:
    """How a replicate's sets are made up.

    labels: of each set, label to number of texts; near_duplicates: evaluation texts that are
    nearly among those trained or validated on, as `sameness.near_duplicates` counts them.
    """
    labels = {part: count_labels(getattr(split, part).labels) for part in PARTS}
    near = sum(near_duplicates(split.evaluation, getattr(split, part)) for part in PARTS[:2])
    return {"labels": labels, "near_duplicates": near}


def gather_runs(study: Study, baseline: Mapping) -> pd.DataFrame:
    """One row a cell: factors, replicate, trajectory, status, metrics, cost, baseline, differences.

    baseline: the baseline's own hyperparameters. Paths of predictions are relative to the study's
    folder. A diverged run has empty metrics.
    """
    grid = study.grid
    known = of_baseline(baseline)
    rows = []
    for cell in study.cells:
        results, replicate = cell.results, cell.values["replicate"]
        own = study.baselines[replicate]["metrics"]
        row = {
            **{name: value for name, value in cell.values.items() if name != "repeat"},
            "trajectory": grid.trajectory(cell.values),
            "status": results["status"],
            **results.get("metrics", dict.fromkeys(METRICS)),
            "seconds": cell.timing["seconds"],
            "tokens": results.get("tokens"),
            "peak_memory_mb": cell.timing["peak_memory_mb"],
            **{f"baseline_{name}": own[name] for name in METRICS},
            **{f"baseline_{name}": known[name] for name in grid.levels if name in known},
            "diverged_at_step": results.get("diverged_at_step"),
            "predictions": f"{cell.folder}/predictions.safetensors",
            "baseline_predictions": f"{_baseline(replicate)}/predictions.safetensors",
        }
        rows.append(row)
    runs = pd.DataFrame(rows)
    for name in METRICS:
        runs[f"delta_{name}"] = runs[name].astype(float) - runs[f"baseline_{name}"]
    return runs


def gather_histories(folder: Path, study: Study) -> pd.DataFrame:
    """Every trajectory's steps, with its evaluations on the last step of their epoch.

    Columns: trajectory, factors but epochs, replicate, step, epoch, training_loss,
    step_learning_rate, accuracy, f1, loss.
    """
    longest: dict[str, Cell] = {}
    evaluated: dict[tuple[str, int], dict] = {}
    for cell in study.cells:
        name = study.grid.trajectory(cell.values)
        steps = cell.results["steps"]
        if "metrics" in cell.results:
            evaluated[name, steps] = cell.results["metrics"]
        if name not in longest or steps >= longest[name].results["steps"]:
            longest[name] = cell
    columns: dict[str, list] = {}
    for name, cell in longest.items():
        own = {
            factor: value
            for factor, value in cell.values.items()
            if factor not in ("epochs", "repeat")
        }
        with (folder / cell.folder / "history.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                numbers = {column: float(value) for column, value in row.items()}
                measured = evaluated.get((name, step), {})
                metrics = {metric: measured.get(metric) for metric in HISTORY_METRICS}
                values = {"trajectory": name, **own, "step": step, **numbers, **metrics}
                for column, value in values.items():
                    columns.setdefault(column, []).append(value)
    return pd.DataFrame(columns)


def gather_provenance(study: Study, config: dict, source: dict, tables: dict[str, str]) -> dict:
    """What the report says about where the numbers come from.

    tables: file name of each gathered table to its digest.
    """
    results = study.cells[0].results
    grid = study.grid
    return {
        "study": config["study"],
        "source": source,
        "design": {
            "training_examples": sources.sized(config, source["kind"])["data"]["training_examples"],
            "evaluation_examples": _alike(
                baseline["evaluation_examples"] for baseline in study.baselines
            ),
            "sets": study.sets,
            "padded_lengths": config[source["kind"]]["padded_lengths"],
            "padding_share": results.get("padding_share"),
            "fixed": grid.fixed,
        },
        "baseline": {
            "hyperparameters": config[source["kind"]]["baseline"],
            "metrics": [
                {"replicate": replicate, **baseline["metrics"]}
                for replicate, baseline in enumerate(study.baselines)
            ],
        },
        "computed_with": computed_with(cell.results for cell in study.cells),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "threads": results["threads"],
        },
        "seeds": {str(r): replicate_seeds(config["seed"], r) for r in range(grid.replicates)},
        "settings": config,
        "sha256": tables,
    }


def _alike(numbers: Iterable[int]) -> int | str:
    """The number that all replicates have, or the least and the largest of them."""
    low, *_, high = sorted(numbers) * 2
    return low if low == high else f"{low} to {high}"


def computed_with(records: Iterable[Mapping]) -> list[dict]:
    """What cells were computed with that changes their last bits, and how many cells with each."""
    keys = ("instruction_set", "versions")
    counts = Counter(json.dumps({key: record[key] for key in keys}) for record in records)
    return [{"cells": cells, **json.loads(alike)} for alike, cells in counts.most_common()]


def check_gathered(folder: Path) -> None:
    """Raises UserError if runs.csv, histories.csv or provenance.json is damaged."""
    for name, digest in read_json(folder / "provenance.json")["sha256"].items():
        check_digest(folder / name, (folder / name).read_bytes(), digest)


def check_predictions(folder: Path, grid: Grid) -> None:
    """Raises UserError if the predictions of a cell or a baseline are damaged."""
    for values in grid.cells():
        _intact_results(folder / "cells" / grid.folder(values))
    for replicate in range(grid.replicates):
        _intact_results(folder / _baseline(replicate))


def _baseline(replicate: int) -> Path:
    return Path("baseline") / f"replicate={replicate}"


def _intact_results(folder: Path) -> dict:
    """A folder's metrics.json, once it and the files beside it were found intact."""
    results = read_json(folder / "metrics.json")
    contents = {name: (folder / name).read_bytes() for name in results["sha256"]}
    for name, content in contents.items():
        check_digest(folder / name, content, results["sha256"][name])
    if "metrics" in results:
        stored = load(contents["predictions.safetensors"])
        measured = measure(stored["logits"], stored["labels"])
        recorded = results["metrics"]
        known = [name for name in METRICS if name in recorded]
        now, then = ([metrics[name] for name in known] for metrics in (measured, recorded))
        if not np.allclose(now, then, rtol=1e-9, atol=1e-12):
            raise damaged(folder / "metrics.json", "its metrics are not those of the predictions")
        # A metric that was added after the cell was computed is measured now.
        results["metrics"] = {name: recorded.get(name, measured[name]) for name in METRICS}
    return results


def _unusable_cells(unusable: Mapping[Path, UserError], every: Path, usable: int) -> UserError:
    named = list(unusable)[:NAMED]
    lines = [f"  {unusable[cell]}" for cell in named]
    if len(unusable) > NAMED:
        lines.append(f"  and {len(unusable) - NAMED} more")
    folders = named if len(unusable) <= NAMED else [every]
    return UserError(
        f"{len(unusable)} of {len(unusable) + usable} cells cannot be used:\n"
        + "\n".join(lines)
        + "\nThis removes them; the same command then recomputes them:\n  rm -r "
        + " ".join(shlex.quote(str(folder)) for folder in folders)
    )
