from pathlib import Path

import pytest

from design.grid import Grid, baseline_seeds, replicate_seeds
from tests import tiny

LEVELS = {"learning_rate": (1e-5, 3e-5), "schedule": ("constant", "linear"), "epochs": (1, 2)}
FIXED = {name: value for name, value in tiny.FIXED.items() if name != "schedule"} | {
    "batch_size": 16
}


@pytest.fixture
def grid():
    return Grid(LEVELS, FIXED, replicates=2, share_epochs=True)


def test_every_combination_is_a_cell_once(grid):
    cells = list(grid.cells())
    assert len(cells) == 2 * 2 * 2 * 2
    assert len({grid.folder(cell) for cell in cells}) == len(cells)


def test_a_folder_names_its_cell_and_is_read_back(grid):
    cell = {"learning_rate": 3e-5, "schedule": "linear", "epochs": 2, "replicate": 1}
    assert grid.folder(cell) == "learning_rate=3e-05/schedule=linear/epochs=2/replicate=1"
    for cell in grid.cells():
        assert grid.parse(Path("results/x/cells") / grid.folder(cell)) == cell


def test_hyperparameters_join_levels_and_fixed_values(grid):
    cell = {"learning_rate": 3e-5, "schedule": "linear", "epochs": 2, "replicate": 1}
    found = grid.hyperparameters(cell)
    assert (found.learning_rate, found.epochs, found.schedule) == (3e-5, 2, "linear")
    assert (found.batch_size, found.dropout) == (16, 0.1)


def test_only_runs_that_do_not_look_ahead_share_a_trajectory(grid):
    cells = list(grid.cells())
    shared = {grid.trajectory(c) for c in cells if c["schedule"] == "constant"}
    alone = {grid.trajectory(c) for c in cells if c["schedule"] == "linear"}
    assert len(shared) == 4  # two learning rates, two replicates
    assert len(alone) == 8
    unshared = Grid(LEVELS, FIXED, replicates=2, share_epochs=False)
    assert len({unshared.trajectory(c) for c in cells}) == len(cells)


def test_seeds_differ_by_study_replicate_and_use():
    drawn = [replicate_seeds(seed, r) for seed in (1, 2) for r in (0, 1)] + [baseline_seeds(1)]
    values = [value for seeds in drawn for value in seeds.values()]
    assert len(set(values)) == len(values)
    assert all(0 <= value < 2**31 for value in values)
    assert replicate_seeds(1, 0) == replicate_seeds(1, 0)
