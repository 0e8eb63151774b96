"""Means of cells and their intervals."""

import numpy as np
import pandas as pd
import pytest
from made import CONFIG, SETTINGS, simulated
from scipy import stats

from analysis.preparation import study_of
from analysis.questions import cells
from analysis.runs.settings import Settings


def test_cells_by_hand():
    """Two cells, three replicates: the two-way table's mean squares by hand."""
    table = pd.DataFrame(
        {"a": [1, 1, 1, 2, 2, 2], "replicate": [0, 1, 2] * 2, "y": [1.0, 2, 3, 5, 7, 6]}
    )
    table["baseline_y"] = 1.0
    chosen = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    cell = cells.cells(study_of(table, chosen), chosen).iloc[0]
    assert (cell["runs"], cell["mean"], cell["delta"]) == (3, 2, 1)
    # replicate means 3, 4.5, 4.5 about 4: mean square 2(1 + .25 + .25)/2 = 1.5; rest 1/2
    between, rest = 1.5, 0.5
    total = (between + rest) / 2
    df = total**2 / ((between / 2) ** 2 / 2 + (rest / 2) ** 2 / 2)
    margin = stats.t.ppf(0.975, df) * np.sqrt(total / 3)
    assert cell["mean_high"] - cell["mean"] == pytest.approx(margin)
    assert cell["ci_low"] == pytest.approx(1 - margin)


@pytest.mark.parametrize("size", [1e-90, 1e90])
def test_cells_of_a_metric_of_any_size_have_the_same_relative_intervals(size):
    table = pd.DataFrame(
        {"a": [1, 1, 1, 2, 2, 2], "replicate": [0, 1, 2] * 2, "y": [1.0, 2, 3, 5, 7, 6]}
    )
    chosen = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    plain = cells.cells(study_of(table, chosen), chosen)
    table["y"] *= size
    scaled = cells.cells(study_of(table, chosen), chosen)
    for column in ("mean", "mean_low", "mean_high"):
        assert scaled[column].to_numpy() == pytest.approx(plain[column].to_numpy() * size)


def test_cell_intervals_cover_as_often_as_they_say():
    covered = []
    for seed in range(100):
        study = simulated(
            lambda a, b, e: 0 * a, seed, replicate_sd=0.2, trajectory_sd=0.2, epoch_sd=0.2
        )
        table = cells.cells(study, SETTINGS)
        covered.append(((table["mean_low"] < 0) & (table["mean_high"] > 0)).mean())
    # over 400 simulations 0.937: few replicates and correlated epochs cost a little
    assert 0.9 < np.mean(covered) < 0.97


def table_of(rows, columns=("a", "replicate", "y"), **analysis):
    chosen = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1} | analysis}
    )
    return cells.cells(study_of(pd.DataFrame(rows, columns=columns), chosen), chosen)


def test_without_replicates_or_anything_beyond_them_there_are_means_alone():
    alone = table_of([(1, 0, 1.0), (1, 0, 1.5), (2, 0, 3.0), (2, 0, 3.5)])
    assert alone["mean"].tolist() == [1.25, 3.25] and alone["runs"].tolist() == [2, 2]
    # every cell in a replicate of its own: four runs, two cells, and the replicates' difference
    once = table_of([(1, 0, 1.0), (2, 1, 3.0), (1, 2, 1.5), (2, 3, 3.5)])
    for table in (alone, once):
        assert table[["mean_low", "mean_high", "delta", "ci_low"]].isna().all(axis=None)


def test_one_degree_of_freedom_beyond_cells_and_replicates_gives_an_interval():
    table = table_of([(1, 0, 1.0), (1, 1, 2.0), (2, 0, 3.0), (2, 1, 3.5)])
    half = (table["mean_high"] - table["mean_low"]) / 2
    # replicates' means 2 and 2.75; mean squares 0.5625 between and 0.0625 beside them
    between, rest = 0.5625, 0.0625
    total = (between + rest) / 2
    df = total**2 / ((between / 2) ** 2 + (rest / 2) ** 2)
    assert half.tolist() == pytest.approx([stats.t.ppf(0.975, df) * np.sqrt(total / 2)] * 2)


def test_cells_whose_runs_are_all_alike_have_no_interval():
    table = table_of([(1, 0, 1.0), (1, 1, 1.0), (2, 0, 3.0), (2, 1, 3.0)])
    assert table["mean"].tolist() == [1, 3]
    assert table[["mean_low", "mean_high"]].isna().all(axis=None)
