"""Findings on tables with known answers: an effect, none, a conflict, a saddle."""

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from analysis import findings, words
from analysis.runs import table


def coefficient(term, estimate, std_error=0.001, q_value=0.001, **others):
    row = {
        "metric": "accuracy",
        "framing": "absolute",
        "estimator": "split_plot",
        "term": term,
        "estimate": estimate,
        "std_error": std_error,
        "statistic": estimate / std_error,
        "df": 60.0,
        "p_value": q_value / 2,
        "q_value": q_value,
        "ci_low": estimate - 2 * std_error,
        "ci_high": estimate + 2 * std_error,
    }
    return row | others


def find(tables, study=None, settings=None):
    tables = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return findings.find(tables, study or reference.study(), settings or reference.settings())


def one(found, **where):
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1, found.to_string()
    return found.iloc[0]


def test_an_effect_is_told_in_points_and_natural_units():
    found = find({"coefficients": [coefficient("learning_rate", 0.004, q_value=0.02)]})
    row = one(found, metric="accuracy", section="effects")
    assert row["kind"] == "effect"
    assert row["significant"]
    # twice the coefficient: it is the change for half of the range
    assert row["sentence"] == (
        "Raising the learning rate from 1e-5 to 1e-4 at batch size 16 and 2 epochs changes "
        "accuracy by +0.8 points (95 % interval 0.4 to 1.2; p = 0.010, q = 0.020)."
    )


def test_no_effect_says_what_could_have_been_seen():
    tables = {
        "coefficients": [coefficient("batch_size", 0.0005, q_value=0.9)],
        "power": [{"metric": "accuracy", "term": "batch_size", "smallest_effect": 0.004}],
    }
    found = find(tables)
    row = one(found, metric="accuracy", kind="no_effect")
    assert not row["significant"]
    assert row["sentence"].startswith("No detectable effect of batch size on accuracy")
    assert "the design could have seen 0.8 points" in row["sentence"]
    summary = one(found, metric="accuracy", section="summary")
    assert summary["kind"] == "nothing_significant"
    assert "could have seen 0.8 points" in summary["sentence"]
    assert not found["significant"].any()


def test_an_interval_without_zero_but_a_large_q_is_an_indication_only():
    found = find({"coefficients": [coefficient("epochs", 0.004, q_value=0.06)]})
    row = one(found, metric="accuracy", section="effects")
    assert row["kind"] == "indication"
    assert not row["significant"]
    assert "indication only" in row["sentence"]


def test_an_interaction_is_four_coefficients_and_a_square_is_minus_one():
    rows = [coefficient("learning_rate:epochs", 0.005), coefficient("learning_rate^2", -0.01)]
    found = find({"coefficients": rows})
    interaction = one(found, section="interactions", metric="accuracy")["sentence"]
    assert "differs by +2.0 points at 3 epochs from that at 1 epoch" in interaction
    assert "95 % interval 1.2 to 2.8" in interaction
    square = one(found, section="effects", metric="accuracy")["sentence"]
    assert "+1.0 points off the mean of its values at 1e-5 and 1e-4" in square
    assert "95 % interval 0.8 to 1.2" in square


def test_a_conflict_needs_both_metrics_to_be_significant():
    helps = coefficient("epochs", 0.005)
    hurts = coefficient("epochs", 0.012, metric="loss")
    conflict = {"term": "epochs", "metric_a": "accuracy", "metric_b": "loss", "kind": "conflict"}
    row = one(find({"coefficients": [helps, hurts], "conflicts": [conflict]}), section="tradeoff")
    assert row["significant"]
    assert "accuracy by +1.0 points" in row["sentence"]
    assert "loss by +0.024 nats" in row["sentence"]
    assert row["sentence"].endswith("better for accuracy, worse for loss.")

    hurts["q_value"] = 0.2
    row = one(find({"coefficients": [helps, hurts], "conflicts": [conflict]}), section="tradeoff")
    assert row["kind"] == "no_conflict"
    assert not row["significant"]


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
    assert row["sentence"].startswith("1 of 81 runs diverged and are left out of the fits: ")
    assert row["sentence"].endswith(
        "learning rate 3e-5, batch size 8, 1 epoch, replicate 0 (at step 12)."
    )
    row = one(find({}, study), kind="stopped_early")
    assert "1 of 81 runs stopped early and are in the fits" in row["sentence"]


def test_another_estimator_is_named_where_the_split_plot_is_missing():
    row = one(
        find({"coefficients": [coefficient("epochs", 0.005, estimator="ols")]}), kind="estimator"
    )
    assert "classical ordinary least squares" in row["sentence"]


def test_an_estimator_that_would_have_concluded_otherwise_is_named():
    sure = [coefficient("epochs", 0.02, q_value=0.01, estimator=e) for e in ("split_plot", "ols")]
    other = [
        coefficient("epochs^2", 0.005, q_value=0.3, estimator="split_plot"),
        coefficient("epochs^2", 0.005, q_value=0.3, estimator="ols"),
        coefficient("epochs^2", 0.02, q_value=0.01, estimator="ols_cluster"),
        coefficient("epochs", 0.02, q_value=0.01, estimator="ols_cluster"),
    ]
    row = one(find({"coefficients": sure + other}), kind="estimators_disagree")
    assert row["sentence"] == (
        "An analysis by ordinary least squares with cluster-robust errors leads to different "
        "conclusions about the effect on accuracy of epochs²."
    )


@pytest.mark.parametrize(
    ("agrees", "kind", "sentence"),
    [
        (True, "effects_kept", "No variant of the analysis loses a significant effect."),
        (
            False,
            "effects_lost",
            "Significant effects that a variant of the analysis loses: epochs on accuracy (degree "
            "1 and without replicate 0).",
        ),
    ],
)
def test_a_significant_effect_that_a_variant_loses_is_told(agrees, kind, sentence):
    variant = {"metric": "accuracy", "term": "epochs", "agrees": agrees}
    other = {"metric": "accuracy", "term": "batch_size", "variant": "degree 3", "agrees": False}
    names = ("degree 1", "without replicate 0")
    tables = {
        "coefficients": [
            coefficient("epochs", 0.004),
            coefficient("batch_size", 0.0005, q_value=0.9),
        ],
        "conclusions": [other, *({**variant, "variant": name} for name in names)],
    }
    found = find(tables)
    assert one(found, kind=kind)["sentence"] == sentence
    tables["coefficients"] = tables["coefficients"][1:]
    found = find(tables)
    assert not found["kind"].isin(["effects_kept", "effects_lost"]).any()


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


def test_missing_tables_give_only_what_the_runs_tell():
    found = find({})
    assert set(found["section"]) == {"runs", "effects"}
    assert set(found["kind"]) == {"count", "not_estimated"}


def test_categorical_factor_is_told_by_its_levels():
    config = {
        "factors": {"schedule": {"scale": "categorical"}, "epochs": {"scale": "linear"}},
        "analysis": {"metrics": {"accuracy": {"better": "higher", "unit": "points"}}},
    }
    runs = pd.DataFrame(
        [
            {"schedule": s, "epochs": e, "replicate": r, "accuracy": 0.8 + 0.01 * e + 0.001 * r}
            for s in ("constant", "linear")
            for e in (1, 2, 3)
            for r in (0, 1)
        ]
    )
    settings = reference.settings(config, degree=2)
    study = table.from_table(runs, settings)
    rows = [coefficient("schedule[linear]", 0.005), coefficient("schedule[linear]:epochs", 0.005)]
    found = find({"coefficients": rows}, study, settings)
    assert (
        "Schedule linear instead of constant at 2 epochs changes accuracy by +1.0 points"
        in (one(found, section="effects")["sentence"])
    )
    assert (
        "from 1 to 3 epochs differs by +2.0 points with schedule linear"
        in (one(found, section="interactions")["sentence"])
    )


STUDY, SETTINGS = reference.study(), reference.settings()


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    estimate=st.floats(-0.05, 0.05),
    std_error=st.floats(1e-5, 0.05),
    q_value=st.floats(0.0001, 0.9999),
    term=st.sampled_from(["learning_rate", "epochs", "batch_size:epochs", "epochs^2"]),
)
def test_sentences_never_contradict_the_table(estimate, std_error, q_value, term):
    row = coefficient(term, estimate, std_error, q_value)
    found = find({"coefficients": [row]}, STUDY, SETTINGS)
    told = found[
        found["section"].isin(["effects", "interactions"]) & (found["metric"] == "accuracy")
    ]
    sure = q_value < 0.05 and abs(estimate) > 2 * std_error
    assert told["significant"].tolist() == [sure]
    assert ("No detectable effect" in told["sentence"].iloc[0]) == (abs(estimate) <= 2 * std_error)
    assert found["significant"].any() == sure
    # the interval in the sentence excludes zero where it is called significant
    if sure:
        scale = {"learning_rate": 2, "epochs": 2, "batch_size:epochs": 4, "epochs^2": -1}[term]
        ends = sorted((scale * row["ci_low"], scale * row["ci_high"]))
        shown = words.interval(*ends, SETTINGS.metrics[0])
        assert shown in told["sentence"].iloc[0]
        assert not any(float(end.replace("−", "-")) == 0 for end in shown.split(" to "))
