"""What a design chose is kept, and refused before anything trains if it cannot tell the model."""

from pathlib import Path

import pytest

from analysis.runs.settings import Settings
from common.errors import UserError
from design import optimal
from design.grid import Grid
from study import designs
from study.configuration import check, check_runs_differ, of_results
from study.overwriting import keep_configuration
from study.sections import complete
from tests.designed import RANGES, configuration
from tests.tiny import whole_config

chosen = optimal.settings


def noted(config, folder="none"):
    return config | {"design": designs.noted(config, Path(folder))}


@pytest.fixture
def chosen_again(monkeypatch):
    """How often a design is computed."""
    calls = []

    def settings_of(config):
        calls.append(config)
        return original(config)

    original = designs.settings_of
    monkeypatch.setattr(designs, "settings_of", settings_of)
    return calls


def test_what_was_chosen_is_kept_until_something_that_it_follows_from_changes(
    tmp_path, chosen_again
):
    config = configuration({"kind": "optimal", "trajectories": 11}, 2)
    first = noted(config, tmp_path)
    keep_configuration(tmp_path, first)
    assert noted(config | {"replicates": 5}, tmp_path)["design"] == first["design"]
    assert len(chosen_again) == 1
    for change in (
        {"design": {"kind": "optimal", "trajectories": 12}},
        {"seed": 8},
        {"analysis": config["analysis"] | {"degree": 1}},
        {"share_epochs": False},
    ):
        noted(config | change, tmp_path)
    assert len(chosen_again) == 5


def test_a_changed_table_is_read_again(tmp_path, chosen_again):
    table = tmp_path / "settings.csv"
    table.write_text("learning_rate\n1e-5\n1e-3\n")
    config = configuration({"kind": "table", "file": str(table)}, 1, degree=1)
    first = noted(config, tmp_path)
    keep_configuration(tmp_path, first)
    assert noted(config, tmp_path)["design"] == first["design"]
    table.write_text("learning_rate\n1e-5\n1e-4\n1e-3\n")
    assert len(noted(config, tmp_path)["design"]["settings"]) == 3
    assert len(chosen_again) == 2


def test_the_full_grid_notes_nothing(tmp_path, chosen_again):
    assert designs.noted(configuration("full"), tmp_path) == "full"
    assert chosen_again == []


def test_runs_depend_on_what_was_chosen_and_not_on_the_files_it_was_chosen_from():
    config = whole_config()
    design = {"kind": "table", "file": "x.csv", "settings": [{"batch_size": 8}]}
    one, other = (
        of_results(config | {"design": design | {"files": files}})
        for files in ({"x.csv": "1"}, {"x.csv": "2"})
    )
    assert one == other
    assert of_results(config | {"design": design | {"settings": []}})["design"] != one["design"]


LINE = {"dropout": {"range": RANGES["dropout"][0], "scale": "linear"}}


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        (configuration({"kind": "fractional", "resolution": 3}, 3, replicates=4),
         ["learning_rate^2 (learning_rate has 2 levels", "analysis.formula"]),
        (configuration({"kind": "definitive_screening"}, 4, replicates=8),
         ["design:", "cannot estimate", "combination of", "analysis.formula"]),
        (configuration({"kind": "sobol", "trajectories": 3}, LINE),
         ["3 training runs", "3 coefficients", "at least 4 runs"]),
        (configuration({"kind": "sobol", "trajectories": 3}, LINE, share_epochs=False),
         ["at least", "3 training runs"]),
    ],
)  # fmt: skip
def test_a_design_that_cannot_tell_the_model_is_refused_with_the_terms(config, parts):
    with pytest.raises(UserError) as refused:
        designs.check_estimable(noted(config), Settings.from_config(config))
    assert all(part in str(refused.value) for part in parts), str(refused.value)


def test_where_the_model_is_open_main_effects_are_enough():
    config = configuration({"kind": "fractional", "resolution": 3}, 3, replicates=4)
    config["analysis"].pop("degree")
    designs.check_estimable(noted(config), Settings.from_config(config))


def test_a_start_chooses_the_settings_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(optimal, "settings", lambda *given: calls.append(given) or chosen(*given))
    config = whole_config() | {"design": {"kind": "optimal", "trajectories": 11}, "replicates": 2}
    check(config)
    config = noted(complete(config), tmp_path)
    check_runs_differ(config)
    designs.check_estimable(config, Settings.from_config(config))
    assert len(Grid.from_config(config).settings) == 11
    assert len(calls) == 1
