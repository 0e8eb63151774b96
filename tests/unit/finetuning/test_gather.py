import json

import numpy as np
import pandas as pd
import pytest

from finetuning.gather import gather_histories, gather_runs
from finetuning.grid import Grid
from tests.documented import columns as documented_columns

GRID = Grid(
    levels={"learning_rate": (1e-5, 1e-4), "epochs": (1, 2)},
    fixed={"schedule": "constant"},
    replicates=1,
    share_epochs=True,
)
BASELINE = {"learning_rate": 2e-5, "epochs": 3, "batch_size": 32}


def metrics(accuracy):
    return {"accuracy": accuracy, "f1": 0.7, "f1_macro": 0.6, "loss": 0.5, "ece": 0.1}


@pytest.fixture
def study(tmp_path):
    """Four cells of two training runs, of which the faster one diverged in its second epoch."""
    for cell in GRID.cells():
        folder = tmp_path / "cells" / GRID.folder(cell)
        folder.mkdir(parents=True)
        diverged = cell["learning_rate"] == 1e-4 and cell["epochs"] == 2
        steps = 3 if diverged else 2 * cell["epochs"]
        results = (
            {"status": "diverged", "diverged_at_step": 3}
            if diverged
            else {
                "status": "ok",
                "metrics": metrics(0.8 + cell["epochs"] / 100),
                "tokens": 50,
            }
        )
        (folder / "metrics.json").write_text(json.dumps(results | {"steps": steps}))
        (folder / "timing.json").write_text(json.dumps({"seconds": 9.0, "peak_memory_mb": 700}))
        history = pd.DataFrame({"step": np.arange(1, steps + 1)})
        history["epoch"] = history["step"] / 2
        history["training_loss"] = 1 / history["step"]
        history["step_learning_rate"] = cell["learning_rate"]
        history.to_csv(folder / "history.csv", index=False)
    baseline = tmp_path / "baseline" / "replicate=0"
    baseline.mkdir(parents=True)
    (baseline / "metrics.json").write_text(json.dumps({"metrics": metrics(0.75)}))
    return tmp_path


def test_a_row_holds_a_cell_its_baseline_and_the_difference(study):
    runs = gather_runs(study, GRID, BASELINE)
    row = runs.query("learning_rate == 1e-5 and epochs == 2").iloc[0]
    assert row["accuracy"] == pytest.approx(0.82)
    assert row["baseline_accuracy"] == 0.75
    assert row["delta_accuracy"] == pytest.approx(0.07)
    assert (row["baseline_learning_rate"], row["baseline_epochs"]) == (2e-5, 3)
    assert "baseline_batch_size" not in runs  # it is no factor
    assert row["predictions"] == (
        "cells/learning_rate=1e-05/epochs=2/replicate=0/predictions.safetensors"
    )
    assert runs["trajectory"].nunique() == 2


def test_the_columns_are_the_documented_ones(study):
    documented = documented_columns(GRID.levels, metrics(0.8))
    runs, histories = gather_runs(study, GRID, BASELINE), gather_histories(study, GRID)
    assert set(documented["runs.csv"]) == set(runs)
    assert {*documented["histories.csv"]} - {"epochs"} == set(histories)


def test_a_diverged_run_has_a_row_without_metrics(study):
    row = gather_runs(study, GRID, BASELINE).query("status == 'diverged'").iloc[0]
    assert (row["learning_rate"], row["epochs"], row["diverged_at_step"]) == (1e-4, 2, 3)
    assert row[["accuracy", "loss", "delta_accuracy", "tokens"]].isna().all()
    assert row["seconds"] == 9.0


def test_a_history_is_that_of_the_longest_cell_with_each_evaluation(study):
    histories = gather_histories(study, GRID)
    slow = histories.query("learning_rate == 1e-5")
    assert list(slow["step"]) == [1, 2, 3, 4]
    assert list(slow["accuracy"].dropna()) == pytest.approx([0.81, 0.82])
    assert list(slow.loc[slow["accuracy"].notna(), "epoch"]) == [1.0, 2.0]
    fast = histories.query("learning_rate == 1e-4")
    assert list(fast["step"]) == [1, 2, 3]
    assert list(fast["accuracy"].dropna()) == pytest.approx([0.81])
