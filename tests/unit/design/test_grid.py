import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.hyperparameters import AUGMENTATION, HYPERPARAMETERS, NEUTRAL
from design import DESIGNS, full
from design.grid import Grid, baseline_seeds, replicate_seeds
from tests import tiny
from tests.designed import configuration

LEVELS = {"learning_rate": (1e-5, 3e-5), "schedule": ("constant", "linear"), "epochs": (1, 2)}
FIXED = {name: value for name, value in tiny.FIXED.items() if name != "schedule"} | {
    "batch_size": 16
}


@pytest.fixture
def grid():
    return grid_of(LEVELS)


def grid_of(levels, **changes):
    config = {
        "factors": {
            name: {"levels": list(values), "scale": HYPERPARAMETERS[name].scale}
            for name, values in levels.items()
        },
        "training": tiny.FIXED | FIXED if "schedule" not in levels else FIXED,
        "replicates": 2,
        "share_epochs": True,
    }
    return Grid.from_config(config | changes)


def test_every_combination_is_a_cell_once(grid):
    cells = list(grid.cells())
    assert len(cells) == 2 * 2 * 2 * 2
    assert len({grid.folder(cell) for cell in cells}) == len(cells)


def test_cells_share_the_copies_of_their_setting():
    levels = {"synonyms": (0, 0.1), "deletion": (0.0, 0.3), "epochs": (1, 2)}
    learning_rate = {"training": tiny.FIXED | FIXED | {"learning_rate": 1e-5}}
    grid = grid_of(levels, **learning_rate)
    names = ["deletion=0.3,copies=1", "synonyms=0.1,copies=1", "synonyms=0.1,deletion=0.3,copies=1"]
    assert list(grid.copies) == names
    assert grid.copies_of({"synonyms": 0, "deletion": 0.0}) is None
    assert grid.copies_of({"synonyms": 0.1, "deletion": 0.3, "epochs": 2}).name == names[2]
    more = {**learning_rate["training"], "augmented_copies": 3, "augmentation": "replace"}
    assert list(grid_of({"deletion": (0.1, 1)}, training=more).copies) == [
        "deletion=0.1,copies=3",
        "deletion=1.0,copies=3",
    ]


def test_without_augmentation_nothing_is_recorded_that_was_not_before():
    """The bytes of metrics.json, and the parameters of jobs, are those from before it was there."""
    off = {name: NEUTRAL[name] for name in AUGMENTATION}
    fixed = tiny.FIXED | FIXED | {"learning_rate": 1e-5}
    grid = grid_of({"epochs": (1, 2)}, training=fixed | off)
    assert grid == grid_of({"epochs": (1, 2)}, training=fixed)
    assert grid.copies == {}
    recorded = grid.hyperparameters({"epochs": 1}).record()
    assert recorded.keys() == {*HYPERPARAMETERS} - {*AUGMENTATION}
    on = grid_of({"epochs": (1, 2)}, training=fixed | off | {"deletion": 0.1})
    assert on.hyperparameters({"epochs": 1}).record() == recorded | {"deletion": 0.1}


@pytest.mark.parametrize("order", [("learning_rate", "epochs"), ("epochs", "learning_rate")])
def test_cells_come_in_the_order_of_the_factors_and_their_levels(order):
    levels = {"learning_rate": (3e-5, 1e-5), "epochs": (2, 1)}
    found = grid_of({name: levels[name] for name in order}, replicates=1).cells()
    expected = itertools.product(*(levels[name] for name in order))
    assert [tuple(cell[name] for name in order) for cell in found] == list(expected)


def test_only_the_settings_of_the_design_are_cells(monkeypatch):
    def settings(space, options):
        rates, schedules = (axis.levels for axis in space.axes)
        yield {"learning_rate": rates[1], "schedule": schedules[0]}
        yield {"learning_rate": rates[0], "schedule": schedules[1]}

    corners = SimpleNamespace(Options=full.Options, settings=settings)
    monkeypatch.setitem(DESIGNS, "corners", corners)
    cells = list(grid_of(LEVELS, design="corners").cells())
    assert len(cells) == 2 * 2 * 2
    assert {(c["learning_rate"], c["schedule"]) for c in cells} == {
        (3e-5, "constant"),
        (1e-5, "linear"),
    }


def test_a_hyperparameter_that_is_not_named_has_its_neutral_default():
    grid = grid_of(LEVELS, training={k: v for k, v in FIXED.items() if k != "early_stopping"})
    assert "early_stopping" not in grid.fixed  # else Snakemake would see changed parameters
    assert all(grid.hyperparameters(cell).early_stopping == 0 for cell in grid.cells())


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
    unshared = grid_of(LEVELS, share_epochs=False)
    assert len({unshared.trajectory(c) for c in cells}) == len(cells)


def test_seeds_differ_by_study_replicate_and_use():
    drawn = [replicate_seeds(seed, r) for seed in (1, 2) for r in (0, 1)] + [baseline_seeds(1)]
    values = [value for seeds in drawn for value in seeds.values()]
    assert len(set(values)) == len(values)
    assert all(0 <= value < 2**31 for value in values)
    assert replicate_seeds(1, 0) == replicate_seeds(1, 0)


def repeating(**changes):
    design = {"kind": "central_composite", "centre_points": 3}
    return Grid.from_config(configuration(design, 2, replicates=2, **changes))


def test_further_runs_of_a_setting_are_repeats_of_its_cells():
    grid = repeating()
    cells = list(grid.cells())
    folders = [grid.folder(cell) for cell in cells]
    assert len(set(folders)) == len(cells) == (9 + 2) * 3 * 2
    assert sum("/repeat=" in folder for folder in folders) == 2 * 3 * 2
    trajectories = {grid.trajectory(cell) for cell in cells}
    assert len(trajectories) == 11 * 2
    for cell, folder in zip(cells, folders, strict=True):
        assert grid.parse(Path("results/x/cells") / folder) == cell
        repeat = folder.partition(f"replicate={cell['replicate']}")[2]
        assert re.fullmatch(grid.constraints["repeat"], repeat)


def test_the_first_runs_of_a_setting_are_where_they_are_without_repeats():
    without = Grid.from_config(configuration("central_composite", 2, replicates=2))
    folders = {without.folder(cell) for cell in without.cells()}
    assert folders < {repeating().folder(cell) for cell in repeating().cells()}
    names = {without.trajectory(cell) for cell in without.cells()}
    assert names < {repeating().trajectory(cell) for cell in repeating().cells()}


def test_repeats_train_with_seeds_of_their_own():
    drawn = [replicate_seeds(1, replicate, repeat) for replicate in (0, 1) for repeat in (0, 1, 2)]
    values = [value for seeds in drawn for value in seeds.values()]
    assert len(set(values)) == len(values)
    assert replicate_seeds(1, 0, 0) == replicate_seeds(1, 0)


def test_where_nothing_is_shared_epochs_is_designed_like_any_factor():
    design = {"kind": "sobol", "trajectories": 8}
    grid = Grid.from_config(configuration(design, 2, share_epochs=False))
    assert len(list(grid.cells())) == 8
    assert set(grid.levels["epochs"]) == {1, 2, 3}
