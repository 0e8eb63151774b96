import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from common.errors import UserError
from design.grid import Grid
from finetuning.dataset import Split, read_split
from finetuning.files import read_json, write_json
from study import configuration, gather
from study.gather import (
    check_gathered,
    check_predictions,
    computed_with,
    describe_split,
    gather_histories,
    gather_provenance,
    gather_runs,
    gather_tables,
    read_study,
)
from tests.documented import columns as documented_columns
from tests.finished_study import write_finished_study
from tests.tiny import whole_config

BASELINE = {"learning_rate": 2e-5, "epochs": 3, "batch_size": 32}
CELL = "cells/learning_rate=0.001/epochs=2/replicate=0"


def config_of_four_cells():
    config = whole_config() | {"replicates": 1}
    config["factors"]["epochs"]["levels"] = [1, 2]
    del config["factors"]["batch_size"]
    config["training"]["batch_size"] = 8
    return config


@pytest.fixture
def finished(tmp_path):
    """Four cells of two training runs, of which the faster one diverged in its second epoch."""
    config = config_of_four_cells()
    source = write_finished_study(
        tmp_path, config, lambda cell: cell["learning_rate"] == 0.003 and cell["epochs"] == 2
    )
    return tmp_path, config, source


def read(finished):
    folder, config, source = finished
    return read_study(folder, Grid.from_config(config), config, source)


def test_a_row_holds_a_cell_its_baseline_and_the_difference(finished):
    runs = gather_runs(read(finished), BASELINE)
    row = runs.query("learning_rate == 0.001 and epochs == 2").iloc[0]
    measured = read_json(finished[0] / CELL / "metrics.json")["metrics"]
    baseline = read_json(finished[0] / "baseline" / "replicate=0" / "metrics.json")["metrics"]
    assert row["accuracy"] == measured["accuracy"]
    assert row["baseline_loss"] == baseline["loss"]
    assert row["delta_loss"] == pytest.approx(measured["loss"] - baseline["loss"])
    assert (row["baseline_learning_rate"], row["baseline_epochs"]) == (2e-5, 3)
    assert "baseline_batch_size" not in runs  # it is no factor
    assert row["predictions"] == f"{CELL}/predictions.safetensors"
    assert runs["trajectory"].nunique() == 2


def test_the_columns_are_the_documented_ones(finished):
    study = read(finished)
    documented = documented_columns(study.grid.levels, study.baselines[0]["metrics"])
    assert set(documented["runs.csv"]) == set(gather_runs(study, BASELINE))
    histories = gather_histories(finished[0], study)
    assert {*documented["histories.csv"]} - {"epochs"} == set(histories)


def test_the_make_up_of_each_set_is_told(finished):
    folder, config, _ = finished
    gather_tables(folder, config)
    (told,) = read_json(folder / "provenance.json")["design"]["sets"]
    split = read_split(folder / "data" / "replicate=0.safetensors")
    positive = int(split.evaluation.labels.sum())
    assert told["replicate"] == 0
    assert told["labels"]["evaluation"] == {"0": 48 - positive, "1": positive}
    assert sum(told["labels"]["training"].values()) == 128
    assert told["labels"]["validation"] == {}
    assert told["near_duplicates"] == 0
    repeated = Split(split.evaluation, split.validation, split.evaluation)
    assert describe_split(repeated)["near_duplicates"] == 0  # texts of one token have no runs
    long = replace(split.training, offsets=np.array([0, 60, 128]), labels=np.array([0, 1]))
    described = describe_split(Split(long, split.validation, long))
    assert described["near_duplicates"] == 2
    assert described["labels"]["training"] == {"0": 1, "1": 1}
    for name, table in (
        ("runs.csv", gather_runs(read(finished), BASELINE)),
        ("histories.csv", gather_histories(folder, read(finished))),
    ):
        assert list(pd.read_csv(folder / name)) == list(table)
    # nor need they be trained on: what was validated on chose the epoch
    assert describe_split(Split(split.training, long, long))["near_duplicates"] == 2


def test_cells_that_were_not_computed_alike_are_counted():
    here = {"instruction_set": "avx2", "versions": {"keras": "3.15"}, "threads": 1}
    there = here | {"instruction_set": "avx"}
    told = computed_with([there, here, here])
    assert [environment.pop("cells") for environment in told] == [2, 1]
    assert [environment["instruction_set"] for environment in told] == ["avx2", "avx"]
    assert told[0]["versions"] == {"keras": "3.15"}


def test_a_diverged_run_has_a_row_without_metrics(finished):
    row = gather_runs(read(finished), BASELINE).query("status == 'diverged'").iloc[0]
    assert (row["learning_rate"], row["epochs"], row["diverged_at_step"]) == (0.003, 2, 7)
    assert row[["accuracy", "loss", "delta_accuracy", "tokens"]].isna().all()
    assert row["seconds"] == 9.0


def test_a_history_is_that_of_the_longest_cell_with_each_evaluation(finished):
    histories = gather_histories(finished[0], read(finished))
    slow = histories.query("learning_rate == 0.001")
    assert list(slow["step"]) == list(range(1, 9))
    measured = read_json(finished[0] / CELL / "metrics.json")["metrics"]
    assert slow["accuracy"].notna().sum() == 2
    assert slow["accuracy"].iloc[-1] == measured["accuracy"]
    assert list(slow.loc[slow["accuracy"].notna(), "epoch"]) == [1.0, 2.0]
    fast = histories.query("learning_rate == 0.003")
    assert list(fast["step"]) == list(range(1, 8))
    assert fast["accuracy"].notna().sum() == 1


def rewrite_records(folder, change):
    """Changes every metrics.json of a study's cells and baselines, as older code would have."""
    for path in sorted(folder.rglob("metrics.json")):
        results = read_json(path)
        change(results)
        write_json(path, results)


def test_a_metric_that_was_added_later_is_measured_from_the_predictions(finished):
    folder, config, _ = finished
    now = gather_runs(read(finished), BASELINE)
    rewrite_records(folder, lambda results: results.get("metrics", {}).pop("f1_macro", None))
    rewrite_records(folder, lambda results: results.get("metrics", {}).pop("loss", None))
    pd.testing.assert_frame_equal(gather_runs(read(finished), BASELINE), now)
    gather_tables(folder, config)


def test_a_metric_that_is_no_longer_measured_is_left_out(finished):
    columns = set(gather_runs(read(finished), BASELINE))
    rewrite_records(finished[0], lambda results: results.get("metrics", {}).update(older=0.5))
    assert set(gather_runs(read(finished), BASELINE)) == columns


def test_cells_and_a_configuration_from_before_a_hyperparameter_stay_valid(finished):
    folder, config, _ = finished

    def older(results):
        results.get("hyperparameters", {}).pop("early_stopping", None)

    rewrite_records(folder, older)
    assert len(read(finished).cells) == 4
    gather_tables(folder, config)
    del config["training"]["early_stopping"]
    assert len(read(finished).cells) == 4
    configuration.check_gathered_with(folder, config)

    config["training"]["early_stopping"] = 2
    with pytest.raises(UserError, match=r"hyperparameters\.early_stopping: 0 then, 2 now"):
        read(finished)
    with pytest.raises(UserError, match=r"training\.early_stopping: 0 then, 2 now"):
        configuration.check_gathered_with(folder, config)


def test_a_hyperparameter_without_a_neutral_default_has_to_be_recorded(finished):
    rewrite_records(
        finished[0], lambda results: results.get("hyperparameters", {}).pop("dropout", 0)
    )
    with pytest.raises(UserError, match=r"hyperparameters\.dropout: None then, 0\.1 now"):
        read(finished)


DAMAGE = {
    "cut off": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "edited": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
}
FILES = (
    f"{CELL}/metrics.json",
    f"{CELL}/predictions.safetensors",
    f"{CELL}/history.csv",
    f"{CELL}/timing.json",
    "baseline/replicate=0/metrics.json",
    "baseline/replicate=0/predictions.safetensors",
    "baseline/checkpoint/model.safetensors",
    "baseline/checkpoint/digests.json",
    "data/replicate=0.safetensors",
    "source.json",
)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_named_with_what_to_do(finished, file, damage):
    folder, config, _ = finished
    (folder / file).write_bytes(DAMAGE[damage]((folder / file).read_bytes()))
    with pytest.raises(UserError) as error:
        source = read_json(folder / "source.json")
        read_study(folder, Grid.from_config(config), config, source)
    message = str(error.value)
    if "checkpoint/" in file:
        checkpoint, name = file.rsplit("/", 1)
        assert f"The folder {folder / checkpoint} is damaged: {name}" in message
    else:
        assert f"{folder / file} is damaged" in message
    assert "Delete" in message and "rerun the same command" in message
    if file.startswith("cells"):
        assert "1 of 4 cells cannot be used" in message
        assert f"rm -r {folder / CELL}" in message


def test_metrics_that_are_not_those_of_the_predictions_are_refused(finished):
    path = finished[0] / CELL / "metrics.json"
    results = read_json(path)
    results["metrics"]["loss"] += 1e-6
    write_json(path, results)  # with a digest that fits
    with pytest.raises(UserError, match=r"metrics\.json is damaged: its metrics are not those of"):
        read(finished)


def test_predictions_of_another_cell_are_refused(finished):
    path = finished[0] / CELL / "predictions.safetensors"
    stored = load_file(path)
    save_file(stored | {"logits": np.flip(stored["logits"], 1).copy()}, path)
    with pytest.raises(UserError, match=r"predictions\.safetensors is damaged"):
        read(finished)
    with pytest.raises(UserError, match=r"predictions\.safetensors is damaged"):
        check_predictions(finished[0], Grid.from_config(finished[1]))


@pytest.mark.parametrize(
    ("change", "named", "difference"),
    [
        (
            lambda c: c["training"].update(dropout=0.2),
            "cells/learning_rate=0.001/epochs=1/replicate=0",
            "hyperparameters.dropout: 0.1 then, 0.2 now",
        ),
        (lambda c: c["training"].update(threads=2), "baseline/replicate=0", "threads: 1 then, 2"),
        (
            lambda c: c["data"].update(training_examples=64),
            "data/replicate=0.safetensors",
            "data.training_examples: 128 then, 64 now",
        ),
        (lambda c: c.update(seed=2), "data/replicate=0.safetensors", "seed: 1 then, 2 now"),
        (
            lambda c: c["hub"].update(text_column="title"),
            "data/replicate=0.safetensors",
            "hub.text_column: text then, title now",
        ),
        (lambda c: c["hub"].update(checkpoint="./x"), "source.json", "checkpoint: ./checkpoint"),
    ],
)
def test_what_another_configuration_made_is_refused_by_name(finished, change, named, difference):
    folder, config, source = finished
    change(config)
    with pytest.raises(UserError) as error:
        read_study(folder, Grid.from_config(config), config, source)
    assert f"{folder / named} was made with other settings" in str(error.value)
    assert difference in str(error.value)


def test_a_cell_of_another_checkpoint_is_refused(finished):
    path = finished[0] / CELL / "metrics.json"
    results = read_json(path)
    results["computed_from"]["checkpoint"] = "0" * 64
    write_json(path, results)
    with pytest.raises(UserError, match=r"computed_from\.checkpoint: 0000"):
        read(finished)


def test_a_cell_of_another_engine_is_refused(finished):
    path = finished[0] / CELL / "metrics.json"
    results = read_json(path)
    engine = results["engine"]
    write_json(path, results | {"engine": engine - 1})
    with pytest.raises(UserError, match=f"engine: {engine - 1} then, {engine} now"):
        read(finished)


def test_many_unusable_cells_are_counted(finished):
    folder, config, source = finished
    config["factors"]["learning_rate"]["levels"] = [0.001 * i for i in range(1, 13)]
    other = folder / "other"
    write_finished_study(other, config)
    config["training"]["weight_decay"] = 0.5
    with pytest.raises(UserError, match=r"24 of 24 cells cannot be used") as error:
        read_study(other, Grid.from_config(config), config, source)
    assert "and 14 more" in str(error.value) and f"rm -r {other}/cells" in str(error.value)


def test_a_comment_or_the_analysis_changes_nothing(finished):
    finished[1]["analysis"]["alpha"] = 0.01
    assert len(read(finished).cells) == 4


@pytest.mark.parametrize("name", ["runs.csv", "histories.csv", "provenance.json"])
def test_a_damaged_table_is_named(finished, name):
    folder, config, _ = finished
    gather_tables(folder, config)
    check_gathered(folder)
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    (folder / name).write_bytes(b"".join(lines[:-1]))
    with pytest.raises(UserError, match=f"{name} is damaged"):
        check_gathered(folder)


def test_records_hold_no_absolute_path(finished):
    for path in finished[0].rglob("*.json"):
        assert str(finished[0]) not in path.read_text()
        assert json.loads(path.read_text())["digest"]


def test_repeated_settings_are_runs_of_their_own(tmp_path):
    config = config_of_four_cells()
    config["factors"]["learning_rate"] = {"range": [0.001, 0.004], "scale": "linear"}
    del config["factors"]["epochs"]
    config["training"]["epochs"] = 1
    table = tmp_path / "settings.csv"
    table.write_text("learning_rate\n0.001\n0.002\n0.002\n0.004\n")
    config["design"] = {"kind": "table", "file": str(table)}
    source = write_finished_study(tmp_path, config)
    study = read_study(tmp_path, Grid.from_config(config), config, source)
    runs = gather_runs(study, BASELINE)
    assert runs["learning_rate"].tolist() == [0.001, 0.002, 0.002, 0.004]
    assert runs["trajectory"].is_unique
    assert runs["trajectory"].iloc[2].endswith("replicate=0 repeat=1")
    assert "repeat" not in runs
    assert (runs["predictions"].iloc[2]).endswith("replicate=0/repeat=1/predictions.safetensors")
    assert gather_histories(tmp_path, study)["trajectory"].nunique() == 4


@pytest.mark.parametrize("most", [4, 3])
def test_up_to_a_number_of_unusable_cells_each_is_named(finished, monkeypatch, most):
    folder, config, _ = finished
    config["training"]["weight_decay"] = 0.5
    monkeypatch.setattr(gather, "NAMED", most)
    with pytest.raises(UserError, match="4 of 4 cells cannot be used") as error:
        read(finished)
    lines = str(error.value).splitlines()
    removed = lines[-1].removeprefix("  rm -r ").split()
    assert sum("was made with other settings" in line for line in lines) == most
    if most == 4:
        assert "more" not in str(error.value) and len(removed) == 4
    else:
        assert "  and 1 more" in lines and removed == [str(folder / "cells")]


def test_what_replicates_were_evaluated_on_is_one_number_or_two(finished):
    study, (_, config, source) = read(finished), finished
    for counts, told in (([48], 48), ([48, 48], 48), ([50, 48, 49], "48 to 50")):
        baselines = [study.baselines[0] | {"evaluation_examples": each} for each in counts]
        provenance = gather_provenance(replace(study, baselines=baselines), config, source, {})
        assert provenance["design"]["evaluation_examples"] == told
        replicates = [each["replicate"] for each in provenance["baseline"]["metrics"]]
        assert replicates == list(range(len(counts)))
