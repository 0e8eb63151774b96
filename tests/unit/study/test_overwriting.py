"""Which finished runs a changed configuration would replace."""

import copy
import shutil

import pytest

from common.configuration import read_config
from common.errors import UserError
from design import FILES, NOTED
from study import overwriting
from study.configuration import check
from tests.finished_study import write_finished_study
from tests.tiny import whole_config


@pytest.fixture
def study(tmp_path):
    """The folder of a study of 24 runs, started and finished with a configuration, and that."""
    config = whole_config()
    write_finished_study(tmp_path, config)
    overwriting.keep_configuration(tmp_path, config)
    return tmp_path, config


def changed(config, change):
    other = copy.deepcopy(config)
    change(other)
    return other


@pytest.mark.parametrize(
    ("change", "number", "told"),
    [
        (lambda c: c["training"].update(dropout=0.2), 24, "training.dropout: 0.1 then, 0.2 now"),
        (lambda c: c.update(seed=2), 24, "seed: 1 then, 2 now"),
        (
            lambda c: c["data"].update(training_examples=100),
            24,
            "data.training_examples: 128 then, 100 now",
        ),
        (lambda c: c["hub"].update(dataset="other.csv"), 24, "hub.dataset: sentences.csv then"),
        (lambda c: c.update(source="auto"), 24, "source: hub then, auto now"),
        (
            lambda c: (
                c["training"].update(dropout=0.2),
                c["factors"]["batch_size"].update(levels=[8, 16]),
            ),
            12,
            "factors.batch_size.levels: [4, 8] then, [8, 16] now; training.dropout: 0.1",
        ),
    ],
)
def test_runs_that_would_be_replaced_are_counted_with_the_keys_that_differ(
    study, change, number, told
):
    folder, config = study
    with pytest.raises(UserError) as refused:
        overwriting.check_overwrites(folder, changed(config, change))
    assert f"holds {number} finished runs of another configuration" in str(refused.value)
    assert told in str(refused.value)
    assert "add --config overwrite=true" in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: None,
        lambda c: c["factors"]["learning_rate"].update(levels=[0.001, 0.003, 0.01]),
        lambda c: c["factors"]["epochs"].update(levels=[1, 3]),
        lambda c: c.update(replicates=3),
        lambda c: c["analysis"].update(alpha=0.1),
        lambda c: c["training"].update(memory_mb=4000),
        lambda c: c["data"].pop("contradictions"),
    ],
)
def test_a_change_that_replaces_no_run_is_let_through(study, change):
    folder, config = study
    overwriting.check_overwrites(folder, changed(config, change))


def test_runs_that_are_not_finished_are_none_to_lose(study):
    folder, config = study
    other = changed(config, lambda c: c["training"].update(dropout=0.2))
    for cell in (folder / "cells").rglob("metrics.json"):
        if "replicate=0" in str(cell):
            cell.unlink()
    with pytest.raises(UserError, match="holds 12 finished runs"):
        overwriting.check_overwrites(folder, other)
    shutil.rmtree(folder / "cells")
    overwriting.check_overwrites(folder, other)


def test_what_is_kept_is_a_configuration(study):
    folder, config = study
    assert read_config(folder / "config.yaml") == config
    design = {"kind": "sobol", "trajectories": 4, NOTED: [{"learning_rate": 0.001}], FILES: {}}
    overwriting.keep_configuration(folder, config | {"design": design})
    kept = read_config(folder / "config.yaml")
    assert kept == config | {"design": design}
    check(kept)


def test_a_new_study_has_nothing_to_lose(tmp_path):
    overwriting.check_overwrites(tmp_path, whole_config())
    overwriting.keep_configuration(tmp_path, whole_config())
    other = changed(whole_config(), lambda c: c["training"].update(dropout=0.2))
    overwriting.check_overwrites(tmp_path, other)
