"""A metric whose small values are the good ones: every direction is turned around, and no other."""

import numpy as np
import pandas as pd
import pytest
import reference

from analysis import findings
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions import optimum, steepest_path, tradeoff
from analysis.runs.settings import Settings


def fitted(better):
    """y = ±((a − 0.2)² + (b + 0.4)²) in coded a and b: its best point is (3.4, 2.2)."""
    levels = np.meshgrid([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], range(3), indexing="ij")
    names = ("a", "b", "replicate")
    table = pd.DataFrame({n: grid.ravel() for n, grid in zip(names, levels, strict=True)})
    bowl = ((table["a"] - 3) / 2 - 0.2) ** 2 + ((table["b"] - 3) / 2 + 0.4) ** 2
    noise = 0.02 * np.random.default_rng(0).normal(size=len(table))
    table["y"] = noise + (bowl if better == "lower" else -bowl)
    settings = Settings.from_config(
        {
            "seed": 1,
            "factors": {"a": {"scale": "linear"}, "b": {"scale": "linear"}},
            "analysis": {"metrics": {"y": {"better": better}}, "bootstrap": 200},
        }
    )
    study = study_of(table, settings)
    return split_plot(study, settings, "y", "absolute"), study, settings


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_the_best_point_lies_where_the_metric_is_good(better):
    fit, study, settings = fitted(better)
    best = optimum.optimum(fit, study, settings).set_index("factor")
    assert best.loc["a", "value"] == pytest.approx(3.4, abs=0.6)
    assert best.loc["b", "value"] == pytest.approx(2.2, abs=0.6)
    assert not best["on_edge"].any()


@pytest.mark.parametrize(("better", "sign"), [("lower", -1), ("higher", 1)])
def test_the_steepest_path_makes_the_metric_better(better, sign):
    fit, _, settings = fitted(better)
    path = steepest_path.steepest(fit, settings)
    gains = sign * np.diff(path["predicted"])
    distance = np.hypot(0.2, 0.4)  # of the best point
    assert (gains[path["distance"][1:] < distance] > 0).all()
    nearest = path.iloc[(path["distance"] - distance).abs().argmin()]
    assert nearest["a_coded"] > 0.1 and nearest["b_coded"] < -0.3


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_the_front_holds_the_cell_that_is_best(better):
    fit, study, settings = fitted(better)
    points = tradeoff.candidates({"y": fit}, study, settings)
    front = tradeoff.pareto(points, settings).query("on_front")
    assert ((front["a"] - 3.4).abs() <= 0.6).all() and ((front["b"] - 2.2).abs() <= 0.8).all()


def told_of_baseline(metric, differences):
    """The sentences about cells that differ so much from the baseline, each for sure."""
    cells = pd.DataFrame(
        {
            "learning_rate": 3e-5,
            "batch_size": 16,
            "epochs": np.arange(len(differences)) + 1,
            "metric": metric,
            "runs": 3,
            "mean": 0.5,
            "delta": differences,
            "difference": differences,
            "ci_low": np.array(differences) - 0.01,
            "ci_high": np.array(differences) + 0.01,
            "q_value": 0.001,
        }
    )
    found = findings.find(
        {"cells": cells, "comparisons": cells}, reference.study(), reference.settings()
    )
    return found.set_index("kind")["sentence"]


def test_more_loss_than_the_baselines_is_worse():
    told = told_of_baseline("loss", [0.2, 0.3, 0.4, -0.1])
    assert "1 of 4 cells" in told["cells"] and "in 3 it is worse" in told["cells"]
    assert "1 cell of 4" in told["cells_beat_baseline"]
    assert "3 are worse" in told["cells_beat_baseline"]
    assert "4 epochs" in told["best_cell"]
    # the interval of a cell does not hold for one that was chosen among many
    assert "95 %" not in told["best_cell"] + told["cells_beat_baseline"]


def test_less_accuracy_than_the_baselines_is_worse():
    told = told_of_baseline("accuracy", [-0.2, -0.3, -0.4, 0.1])
    assert "1 of 4 cells" in told["cells"] and "in 3 it is worse" in told["cells"]
    assert "3 are worse" in told["cells_beat_baseline"]
    assert "4 epochs" in told["best_cell"]
