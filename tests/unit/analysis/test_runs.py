import numpy as np
import pandas as pd
import pytest
import reference

from analysis.fit.estimators import coefficients, fit_all
from analysis.preparation import read_study, study_of
from analysis.tables import compute
from common.errors import UserError

TABLE = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")


def read(table, **analysis):
    return study_of(table, reference.settings(**analysis))


def noted(study):
    """The last note of each topic, as it is told."""
    return {note.topic: str(note) for note in study.notes}


def with_value(column, row, value):
    table = TABLE.copy()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


BASELINES = [f"baseline_{metric}" for metric in reference.METRICS]

REFUSED = {
    "missing column": (TABLE.drop(columns="loss"), ["'loss'", "analysis.columns.loss"]),
    "misspelt column": (TABLE.rename(columns={"epochs": "epoch"}), ["'epochs'", "'epoch'"]),
    "text in a number column": (with_value("f1", 4, "n/a"), ["f1", "row 5 (line 6", "'n/a'"]),
    "text in a factor": (with_value("batch_size", 2, "big"), ["batch_size", "row 3", "'big'"]),
    "a number of 400 digits": (with_value("loss", 7, int("9" * 400)), ["loss", "row 8", "digits"]),
    "infinite baseline": (with_value("baseline_f1", 0, np.inf), ["baseline_f1", "row 1"]),
    "empty factor": (with_value("epochs", 3, None), ["epochs", "row 4", "empty"]),
    "empty replicate": (with_value("replicate", 3, None), ["replicate", "row 4", "empty"]),
    "no logarithm": (with_value("learning_rate", 1, 0.0), ["learning_rate", "row 2", "log10"]),
    "unknown status": (TABLE.assign(status="fine"), ["status", "row 1", "'fine'", "diverged"]),
    "constant factor": (TABLE[TABLE["epochs"] == 2], ["epochs", "constant", "2"]),
    "fewer rows than terms": (TABLE.sample(9, random_state=1), ["9 usable runs", "10 terms"]),
    "as many rows as terms": (TABLE.sample(10, random_state=1), ["10 usable runs", "11 runs"]),
    "collinear factors": (
        TABLE[np.isclose(np.log2(TABLE["batch_size"]) - 2, TABLE["epochs"])],
        ["collinear", "batch_size", "epochs"],
    ),
    "a square of two levels": (
        TABLE[TABLE["epochs"] != 2],
        ["epochs^2", "2 levels", "needs 3", "analysis.degree"],
    ),
    "no rows": (TABLE.iloc[:0], ["no rows"]),
    "no metric at all": (
        TABLE.assign(accuracy=np.nan, f1=np.nan, loss=np.nan),
        ["No run has any of accuracy, f1, loss"],
    ),
    "two baselines": (
        TABLE.assign(baseline_learning_rate=[1e-5] * 80 + [2e-5]),
        ["baseline_learning_rate", "1e-05", "2e-05"],
    ),
    "baseline against the config": (
        TABLE.assign(baseline_epochs=2),
        ["analysis.baseline.epochs", "baseline_epochs"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_table_is_refused_in_one_message(case):
    table, words = REFUSED[case]
    with pytest.raises(UserError) as error:
        read(table, degree=2)
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_an_interaction_the_design_lacks_is_named():
    # a star: one factor at a time from the centre, several replicates
    centre = {"learning_rate": 3e-5, "batch_size": 16, "epochs": 2}
    cells = [{**centre, f: v} for f in centre for v in TABLE[f].unique()]
    table = pd.DataFrame(cells).drop_duplicates().merge(TABLE)
    with pytest.raises(UserError, match=r"cannot estimate learning_rate:batch_size.*add runs"):
        read(table, degree=2)


def test_a_missing_file_is_refused():
    with pytest.raises(UserError, match="no such file"):
        read_study("nowhere/runs.csv", reference.settings())


def test_the_baseline_of_a_mapped_column_goes_with_it():
    table = TABLE.assign(f1_macro=0.6, baseline_f1_macro=0.5, baseline_f1=0.1)
    runs = read(table, columns={"f1": "f1_macro"}).runs
    assert runs["delta_f1"].to_numpy() == pytest.approx(0.1)
    assert read(table).runs["delta_f1"].to_numpy() == pytest.approx(table["f1"] - 0.1)


def test_columns_of_another_tool_are_mapped():
    table = TABLE.rename(
        columns={"learning_rate": "config.lr", "replicate": "seed", "loss": "eval/loss"}
    ).assign(loss=-1.0)  # a column of our name that is something else
    mapped = read(
        table, columns={"learning_rate": "config.lr", "replicate": "seed", "loss": "eval/loss"}
    )
    assert mapped.runs["loss"].tolist() == TABLE["loss"].tolist()
    assert mapped.runs["learning_rate"].tolist() == TABLE["learning_rate"].tolist()
    with pytest.raises(UserError, match=r"columns.replicate.*'sede'.*'seed'"):
        read(table, columns={"replicate": "sede"})


def test_a_level_called_none_is_a_level(tmp_path):
    table = TABLE.assign(schedule=np.where(TABLE.index % 2, "None", "linear"))
    table.to_csv(tmp_path / "runs.csv", index=False)
    config = {
        **reference.CONFIG,
        "factors": {**reference.CONFIG["factors"], "schedule": {"scale": "categorical"}},
    }
    study = read_study(tmp_path / "runs.csv", reference.settings(config))
    fits, _ = fit_all(study, reference.settings(config))
    assert "schedule[linear]" in fits["loss", "absolute", "ols"].names


def test_a_trackers_words_for_the_status_are_understood():
    table = TABLE.assign(State=["crashed", "FAILED", *["finished"] * 79])
    table.loc[1, "accuracy"] = np.nan
    chosen = reference.settings(columns={"status": "State"})
    study = study_of(table, chosen)
    assert study.runs["status"].tolist() == ["failed", "failed", *["ok"] * 79]
    assert len(study.response("accuracy", "absolute")) == 79  # also without what it logged last
    assert noted(study)["failed"].startswith("2 of 81 runs failed and enter no regression: ")
    assert "metrics" not in noted(study)


def test_diverged_runs_enter_no_fit_and_are_named():
    table = TABLE.assign(status=["diverged", *["ok"] * 80])
    study = read(table)
    assert len(study.response("loss", "absolute")) == 80
    note = noted(study)["diverged"]
    assert "1 of 81" in note
    assert "learning rate 1e-5, batch size 8, 1 epoch, replicate 0" in note
    fits, _ = fit_all(study, reference.settings())
    assert len(fits["loss", "relative", "ols"].response) == 80


def test_runs_that_stopped_early_are_analysed_and_counted():
    study = read(TABLE.assign(status=[*["stopped_early"] * 2, *["ok"] * 79]))
    assert len(study.response("loss", "absolute")) == 81
    assert "2 of 81 runs stopped early" in noted(study)["stopped_early"]


def test_a_metric_missing_in_some_runs_leaves_the_others_whole():
    study = read(TABLE.assign(loss=TABLE["loss"].where(TABLE.index > 9)))
    fits, _ = fit_all(study, reference.settings())
    assert len(fits["loss", "absolute", "ols"].response) == 71
    assert len(fits["f1", "absolute", "ols"].response) == 81
    assert noted(study)["metrics"] == (
        "loss: missing in 10 of 81 runs, which its regressions leave out."
    )


def test_without_replicate_and_baseline_what_can_be_estimated_is():
    bare = TABLE[TABLE["replicate"] == 0].drop(
        columns=["replicate", "baseline_accuracy", "baseline_f1", "baseline_loss"]
    )
    settings = reference.settings()
    study = study_of(bare, settings)
    tables = compute(study, settings)
    table = tables["coefficients"]
    assert set(table["framing"]) == {"absolute"}
    assert set(table["estimator"]) == {"ols", "ols_cluster", "split_plot"}
    assert len(table) == 3 * 3 * 10
    sentences = " ".join(tables["notes"]["sentence"])
    assert "Every setting was run once" in sentences
    assert "no column baseline_<metric>" in sentences
    lack = tables["diagnostics"].query("diagnostic == 'lack_of_fit'")
    assert lack["p_value"].isna().all()
    assert lack["sentence"].str.contains("cannot be tested").all()


def test_without_the_baselines_hyperparameters_there_is_no_relative_framing():
    study = read(TABLE, baseline={"learning_rate": 1e-5})
    assert study.framings("loss", reference.settings()) == ("absolute",)
    assert "batch_size, epochs is not known" in noted(study)["relative framing"]


def test_without_epochs_every_run_is_its_own_trajectory():
    config = {**reference.CONFIG, "factors": dict(reference.CONFIG["factors"])}
    del config["factors"]["epochs"]
    config["analysis"] = {**config["analysis"], "baseline": {}}
    settings = reference.settings(config)
    study = study_of(TABLE[TABLE["epochs"] == 3], settings)
    fits, notes = fit_all(study, settings)
    assert "every trajectory has one run" in " ".join(map(str, notes))
    mixed = fits["loss", "absolute", "split_plot"]
    assert mixed.trajectory_variance == 0
    assert mixed.df == pytest.approx(np.full(8, 27 - 8))


def test_a_metric_that_never_varies_is_said_and_left_out():
    study = read(TABLE.assign(f1=0.5))
    tables = compute(study, reference.settings())
    assert ("f1", "absolute") not in set(
        zip(tables["coefficients"]["metric"], tables["coefficients"]["framing"], strict=True)
    )
    assert "F1: absolute values never vary" in " ".join(tables["notes"]["sentence"])


def test_a_run_number_in_place_of_a_replicate_makes_no_block():
    study = read(TABLE.assign(replicate=range(81)))
    settings = reference.settings()
    fits, _ = fit_all(study, settings)
    assert any("they are no block" in note.sentence for note in study.notes)
    assert fits["loss", "absolute", "split_plot"].model.blocks == ()
    assert len(coefficients(fits, settings)) == 3 * 2 * 3 * 10


def test_a_study_in_which_nothing_varies_is_refused():
    study = read(TABLE.assign(accuracy=0.5, f1=0.5, loss=1.0).drop(columns=BASELINES))
    with pytest.raises(UserError, match=r"Nothing can be estimated. accuracy: absolute values"):
        compute(study, reference.settings())


def test_notes_that_say_the_same_of_several_metrics_are_one():
    study = read(TABLE.drop(columns=BASELINES))
    notes = compute(study, reference.settings())["notes"]
    sentences = notes.loc[notes["topic"] == "relative framing", "sentence"].tolist()
    assert len(sentences) == 1
    assert sentences[0].startswith("Accuracy, F1 and loss: there is no column baseline_<metric>")


def test_a_failed_run_has_no_metric_where_its_column_is_true_or_false():
    table = TABLE.assign(status="ok", loss=TABLE["loss"] > TABLE["loss"].median())
    table.loc[3, "status"] = "failed"
    read = study_of(table, reference.settings())
    assert read.runs["loss"].isna().sum() == 1
    assert read.runs["loss"].dtype == float
