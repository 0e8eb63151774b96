"""Findings on tables with known answers: an effect, none, one through another, a conflict."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analysis import findings
from analysis.findings import finding

FACTORS = ("learning_rate", "batch_size", "epochs")
STUDY, SETTINGS = reference.study(), reference.settings()
NAN = float("nan")


def joint(kind, tested, q_value=0.9, metric="accuracy", **others):
    row = {
        "metric": metric,
        "framing": "absolute",
        "estimator": "split_plot",
        "kind": kind,
        "tested": tested,
        "f_statistic": 4.0,
        "df": 4,
        "denominator_df": 15.6,
        "p_value": q_value / 2,
        "q_value": NAN if kind == "global" else q_value,
    }
    return row | others


def joint_tests(metric="accuracy", together=0.9, pairs=(), **factors):
    """Every joint test of a metric: q-values by factor, 0.9 unless given, and of some pairs."""
    rows = [joint("global", "global", together * 2, metric)]
    rows += [joint("factor", name, factors.get(name, 0.9), metric) for name in FACTORS]
    return rows + [joint("pair", pair, q_value, metric) for pair, q_value in pairs]


def difference(factor, levels, size, margin=0.001, metric="accuracy", **place):
    return {
        "metric": metric,
        "factor": factor,
        "comparison": "largest" if place else "average",
        "level": levels[0],
        "other_level": levels[1],
        "difference": size,
        "std_error": margin / 2,
        "df": 30.0,
        "ci_low": size - margin,
        "ci_high": size + margin,
        **dict.fromkeys(FACTORS, NAN),
        **place,
    }


def find(tables, study=STUDY, settings=SETTINGS):
    tables = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return findings.find(tables, study, settings)


def one(found, **where):
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1, found.to_string()
    return found.iloc[0]


def test_a_factor_that_matters_is_told_with_its_largest_difference():
    rows = [
        difference("learning_rate", (1e-5, 3e-5), 0.004),
        difference("learning_rate", (1e-5, 1e-4), -0.012, 0.004),
    ]
    found = find({"joint": joint_tests(learning_rate=0.02), "differences": rows})
    row = one(found, metric="accuracy", about="learning_rate")
    assert (row["kind"], row["significant"]) == ("effect", True)
    assert (row["estimate"], row["ci_low"], row["ci_high"]) == pytest.approx((0.012, 0.008, 0.016))
    assert row["sentence"] == (
        "Accuracy depends on learning rate (F(4, 15.6) = 4.00, p = 0.010, q = 0.020). On average "
        "over the settings that were run it is 1.20 points higher with learning rate 1e-5 than "
        "with 1e-4 (95 % interval 0.80 to 1.60)."
    )
    summary = one(found, section="summary", metric="accuracy")
    assert summary["sentence"] == (
        "Accuracy depends on learning rate (1.20 points higher with 1e-5 than with 1e-4, 0.80 to "
        "1.60); no detectable effect of batch size or epochs."
    )


def test_the_better_side_is_that_of_the_metric():
    rows = [difference("epochs", (1.0, 3.0), 0.05, 0.02, metric="loss")]
    found = find({"joint": joint_tests("loss", epochs=0.02), "differences": rows})
    sentence = one(found, metric="loss", about="epochs")["sentence"]
    assert "0.050 nats lower with 1 epoch than with 3 (95 % interval 0.030 to 0.070)" in sentence


def test_a_factor_that_acts_through_another_is_told_where_it_is_largest():
    rows = [
        difference("learning_rate", (1e-5, 1e-4), 0.001, 0.004),
        difference("learning_rate", (1e-5, 1e-4), 0.03, 0.01, batch_size=8.0, epochs=1.0),
    ]
    tests = joint_tests(learning_rate=0.01, pairs=[("learning_rate:epochs", 0.01)])
    found = find({"joint": tests, "differences": rows})
    assert one(found, section="summary", metric="accuracy")["sentence"].startswith(
        "Accuracy depends on learning rate (3.0 points higher with 1e-4 than with 1e-5, 2.0 to "
        "4.0, at batch size 8, 1 epoch);"
    )
    assert (
        "The difference is largest at batch size 8, 1 epoch: 3.0 points higher"
        in one(found, kind="effect")["sentence"]
    )
    assert one(found, kind="interaction")["sentence"].startswith(
        "Differences in accuracy between levels of learning rate vary with epochs (F("
    )


def test_without_a_clear_difference_no_size_is_claimed():
    rows = [difference("epochs", (1.0, 3.0), 0.001, 0.004)]
    found = find({"joint": joint_tests(epochs=0.01), "differences": rows})
    sentence = one(found, section="summary", metric="accuracy")["sentence"]
    assert "epochs (by how much is not clear from these runs)" in sentence
    tests = joint_tests(epochs=0.01, pairs=[("learning_rate:epochs", 0.01)])
    sentence = one(find({"joint": tests}), section="summary", metric="accuracy")["sentence"]
    assert "epochs (differences between levels of learning rate vary with it)" in sentence


def test_a_large_q_is_an_indication_only():
    tests = joint_tests(epochs=0.06)
    row = one(find({"joint": tests}), metric="accuracy", about="epochs")
    assert (row["kind"], row["significant"]) == ("indication", False)
    assert row["sentence"].startswith("Only an indication that accuracy depends on epochs")


def test_no_effect_says_what_would_have_been_found():
    power = [
        {"metric": "accuracy", "factor": name, "smallest_difference": size}
        for name, size in (("learning_rate", 0.011), ("batch_size", 0.009), ("epochs", 0.01))
    ]
    found = find({"joint": joint_tests(), "power": power})
    assert one(found, section="summary", metric="accuracy")["sentence"] == (
        "Accuracy: no detectable effect of any factor (80 % power for 1.1 points)."
    )
    sentence = one(found, metric="accuracy", about="batch_size")["sentence"]
    assert sentence.endswith("A difference of 0.90 points would have been found 4 times in 5.")
    assert not found["significant"].any()


def test_together_but_none_alone():
    found = find({"joint": joint_tests(together=0.001)})
    assert one(found, section="summary", metric="accuracy")["sentence"].startswith(
        "Accuracy depends on the factors taken together (p = 0.001), but none can be singled out; "
    )


def test_factors_that_varied_together_are_not_called_without_effect():
    together = {"first": "learning_rate", "second": "batch_size", "correlation": 0.98}
    found = find(
        {"joint": joint_tests(together=0.001), "confounding": [together | {"together": True}]}
    )
    sentence = one(found, section="summary", metric="accuracy")["sentence"]
    assert "learning rate cannot be told apart from batch size" in sentence
    assert "no detectable effect of epochs" in sentence
    assert one(found, section="confounding")["sentence"].startswith(
        "Learning rate and batch size varied together (correlation 0.98)"
    )


def test_what_could_not_be_tested_is_said():
    tests = joint_tests()
    tests[1] |= {"f_statistic": NAN, "p_value": NAN, "q_value": NAN}
    found = find({"joint": tests})
    assert one(found, kind="not_tested")["about"] == "learning_rate"
    sentence = one(found, section="summary", metric="accuracy")["sentence"]
    assert "learning rate could not be tested" in sentence
    assert "no detectable effect of batch size or epochs" in sentence


def test_settings_that_nobody_assigned_only_go_with_a_metric():
    rows = [difference("learning_rate", (1e-5, 1e-4), -0.012, 0.004)]
    tables = {"joint": joint_tests(learning_rate=0.02), "differences": rows}
    found = find(tables, settings=replace(SETTINGS, observational=True))
    assert one(found, section="summary", metric="accuracy")["sentence"] == (
        "Accuracy goes with learning rate (1.20 points higher in runs with 1e-5 than in runs "
        "with 1e-4, 0.80 to 1.60); no detectable association with batch size or epochs."
    )
    assert not found["sentence"].str.contains("effect|depends|chang", regex=True).any()


def test_a_conflict_needs_both_metrics_to_be_shown_at_the_same_levels():
    levels = (1e-5, 1e-4)
    rows = [
        difference("learning_rate", levels, 0.01),
        difference("learning_rate", levels, 0.03, 0.01, metric="loss"),
    ]
    tests = joint_tests(learning_rate=0.01) + joint_tests("loss", learning_rate=0.01)
    row = one(find({"joint": tests, "differences": rows}), section="tradeoff")
    assert (row["kind"], row["about"], row["significant"]) == ("conflict", "learning_rate", True)
    assert row["sentence"] == (
        "Accuracy and loss disagree about learning rate: accuracy is 1.00 points higher with "
        "learning rate 1e-4 than with 1e-5 (95 % interval 0.90 to 1.10), loss 0.030 nats lower "
        "with learning rate 1e-5 than with 1e-4 (95 % interval 0.020 to 0.040)."
    )
    tests = joint_tests(learning_rate=0.01) + joint_tests("loss")
    row = one(find({"joint": tests, "differences": rows}), section="tradeoff")
    assert row["kind"] == "no_conflict"


@pytest.mark.parametrize("inside", [True, False])
def test_a_saddle_is_neither_best_nor_worst(inside):
    point = {"metric": "f1", "nature": "saddle", "inside": inside, "predicted": 0.8}
    factors = [("learning_rate", 4e-5), ("batch_size", 12.0), ("epochs", 2.5)]
    rows = [point | {"factor": name, "coded": 0.2, "natural": value} for name, value in factors]
    sentence = one(find({"stationary": rows}), section="surface")["sentence"]
    assert "neither the best nor the worst" in sentence
    assert ("learning rate 4e-5" in sentence) == inside
    assert ("outside the region" in sentence) == (not inside)


def test_diverged_runs_are_counted_and_named():
    study = reference.study()
    study.runs.loc[3, ["status", "diverged_at_step"]] = ["diverged", 12]
    study.runs.loc[4, "status"] = "stopped_early"
    row = one(find({}, study), kind="diverged")
    assert row["sentence"].startswith("1 of 81 runs diverged and is left out of the fits: ")
    assert row["sentence"].endswith(
        "learning rate 3e-5, batch size 8, 1 epoch, replicate 0 (at step 12)."
    )
    row = one(find({}, study), kind="stopped_early")
    assert "1 of 81 runs stopped early and is in the fits" in row["sentence"]
    study.runs.loc[5, "status"] = "diverged"
    row = one(find({}, study), kind="diverged")
    assert row["sentence"].startswith("2 of 81 runs diverged and are left out of the fits: ")


def test_cells_that_beat_the_baseline_need_q_and_interval():
    compared = {"learning_rate": 3e-5, "batch_size": 16, "epochs": 2, "runs": 2}
    compared |= {"metric": "accuracy", "difference": 0.03, "ci_low": 0.01, "ci_high": 0.05}
    cell = {"learning_rate": 3e-5, "batch_size": 16, "epochs": 2, "metric": "accuracy", "runs": 1}
    cell |= {"mean": 0.83, "delta": 0.03, "ci_low": np.nan, "ci_high": np.nan}
    for q_value, beats in ((0.01, True), (0.2, False)):
        found = find({"comparisons": [compared | {"q_value": q_value}], "cells": [cell]})
        row = one(found, kind="cells_beat_baseline")
        assert row["significant"] == beats
        assert row["sentence"].startswith(
            "As trained here, 1 cell of 1 beats" if beats else "No cell is shown"
        )
        assert one(found, kind="against_baseline")["sentence"] == (
            "Shown against the baseline on the same texts: accuracy better in "
            f"{int(beats)} of 1 cells, worse in 0."
        )


def test_missing_tables_give_only_what_the_runs_tell():
    found = find({})
    assert set(found["section"]) == {"runs", "summary", "effects"}
    assert set(found["kind"]) == {"count", "not_estimated"}


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    size=st.floats(-0.05, 0.05),
    margin=st.floats(1e-4, 0.05),
    q_value=st.floats(0.0001, 0.9999),
    together=st.floats(0.0001, 0.9999),
)
def test_sentences_never_contradict_the_tables(size, margin, q_value, together):
    rows = [difference("epochs", (1.0, 3.0), size, margin)]
    tests = joint_tests(together=together, epochs=q_value)
    found = find({"joint": tests, "differences": rows})
    row = one(found, metric="accuracy", about="epochs")
    summary = one(found, section="summary", metric="accuracy")
    sure = q_value < 0.05
    assert row["significant"] == summary["significant"] == sure
    assert ("depends on epochs (" in summary["sentence"]) == sure
    assert ("no detectable effect of any factor" in summary["sentence"]) == (not sure)
    # a size is told only where its interval excludes zero
    sized = "points higher" in summary["sentence"]
    assert sized == (sure and abs(size) > margin)


@pytest.mark.parametrize(("df", "shown"), [(15.63, "15.6"), (123.4, "123"), (99_945.0, "99,945")])
def test_degrees_of_freedom_are_written_without_an_exponent(df, shown):
    row = {"df": 4, "denominator_df": df, "f_statistic": 2.0, "p_value": 0.1, "q_value": NAN}
    assert finding.tested(row) == f"F(4, {shown}) = 2.00, p = 0.100"
