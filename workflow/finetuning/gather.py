"""Gathers what the cells left behind into the tables that the analysis reads."""

import json
import os
import platform
from pathlib import Path

import pandas as pd

from finetuning.grid import Grid, replicate_seeds

METRICS = ("accuracy", "f1", "f1_macro", "loss", "ece")


def gather_runs(study: Path, grid: Grid, baseline: dict) -> pd.DataFrame:
    """One row a cell: factors, replicate, trajectory, status, metrics, cost, baseline, differences.

    study: the folder results/<study>; baseline: the baseline's own hyperparameters. Paths of
    predictions are relative to the study's folder. A diverged run has empty metrics.
    """
    measured = {r: baseline_metrics(study, r) for r in range(grid.replicates)}
    rows = []
    for cell in grid.cells():
        folder = Path("cells") / grid.folder(cell)
        results = _read(study / folder / "metrics.json")
        timing = _read(study / folder / "timing.json")
        metrics = results.get("metrics", dict.fromkeys(METRICS))
        own = measured[cell["replicate"]]
        row = {
            **cell,
            "trajectory": grid.trajectory(cell),
            "status": results["status"],
            **metrics,
            "seconds": timing["seconds"],
            "tokens": results.get("tokens"),
            "peak_memory_mb": timing["peak_memory_mb"],
            **{f"baseline_{name}": own[name] for name in METRICS},
            **{f"baseline_{name}": baseline[name] for name in grid.levels if name in baseline},
            "diverged_at_step": results.get("diverged_at_step"),
            "predictions": f"{folder}/predictions.safetensors",
            "baseline_predictions": f"{_baseline(cell['replicate'])}/predictions.safetensors",
        }
        rows.append(row)
    runs = pd.DataFrame(rows)
    for name in METRICS:
        runs[f"delta_{name}"] = runs[name].astype(float) - runs[f"baseline_{name}"]
    return runs


def gather_histories(study: Path, grid: Grid) -> pd.DataFrame:
    """Every trajectory's steps, with its evaluations on the last step of their epoch.

    Columns: factors but epochs, replicate, trajectory, step, epoch, training_loss,
    step_learning_rate, accuracy, f1, loss.
    """
    longest: dict[str, dict] = {}
    evaluated: dict[str, dict[int, dict]] = {}
    for cell in grid.cells():
        name = grid.trajectory(cell)
        results = _read(study / "cells" / grid.folder(cell) / "metrics.json")
        if "metrics" in results:
            evaluated.setdefault(name, {})[results["steps"]] = results["metrics"]
        if name not in longest or results["steps"] >= longest[name]["steps"]:
            longest[name] = {"cell": cell, "steps": results["steps"]}
    histories = []
    for name, run in longest.items():
        history = pd.read_csv(study / "cells" / grid.folder(run["cell"]) / "history.csv")
        for position, (column, value) in enumerate(run["cell"].items()):
            if column != "epochs":
                history.insert(min(position, history.shape[1]), column, value)
        history.insert(0, "trajectory", name)
        for metric in ("accuracy", "f1", "loss"):
            values = {step: metrics[metric] for step, metrics in evaluated.get(name, {}).items()}
            history[metric] = history["step"].map(values)
        histories.append(history)
    return pd.concat(histories, ignore_index=True)


def gather_provenance(study: Path, grid: Grid, config: dict, source: dict) -> dict:
    """What the report says about where the numbers come from."""
    first = next(grid.cells())
    results = _read(study / "cells" / grid.folder(first) / "metrics.json")
    return {
        "study": config["study"],
        "source": source,
        "design": {
            "training_examples": config["data"]["training_examples"],
            "evaluation_examples": config["data"]["evaluation_examples"],
            "padded_lengths": config[source["kind"]]["padded_lengths"],
            "padding_share": results.get("padding_share"),
            "fixed": grid.fixed,
        },
        "baseline": {
            "hyperparameters": config[source["kind"]]["baseline"],
            "metrics": [
                {"replicate": r, **baseline_metrics(study, r)} for r in range(grid.replicates)
            ],
        },
        "versions": results["versions"],
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "instruction_set": results["instruction_set"],
            "threads": results["threads"],
        },
        "seeds": {str(r): replicate_seeds(config["seed"], r) for r in range(grid.replicates)},
        "settings": config,
    }


def baseline_metrics(study: Path, replicate: int) -> dict[str, float]:
    """The baseline's metrics on a replicate's evaluation set."""
    return _read(study / _baseline(replicate) / "metrics.json")["metrics"]


def _baseline(replicate: int) -> Path:
    return Path("baseline") / f"replicate={replicate}"


def _read(path: Path) -> dict:
    return json.loads(path.read_text())
