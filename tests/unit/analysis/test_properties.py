"""Identities that hold for any data."""

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fit.estimators import ESTIMATORS, coefficients, fit_all
from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of

TABLE = pd.read_csv(reference.REFERENCE / "splitplot_balanced.csv")
BASELINES = {"learning_rate": 1e-5, "batch_size": 32, "epochs": 3}
few = settings(max_examples=12, deadline=None)


@st.composite
def tables(draw):
    """The reference design less some runs, with one metric that has effects and trajectories."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = TABLE.drop(columns=["f1", "loss", "baseline_f1", "baseline_loss"])
    kept = rng.permutation(len(table))[: draw(st.integers(60, 81))]
    table = table.iloc[np.sort(kept)].reset_index(drop=True)
    trajectory = table.groupby(["learning_rate", "batch_size", "replicate"]).ngroup()
    slope, spread = draw(st.floats(-0.1, 0.1)), draw(st.sampled_from([0.0, 0.01, 0.1]))
    table["accuracy"] = (
        0.7
        + slope * table["epochs"]
        + spread * rng.normal(size=27)[trajectory]
        + 0.02 * rng.normal(size=len(table))
    )
    table["baseline_accuracy"] = rng.normal(0.7, 0.05, 3)[table["replicate"]]
    return table


def settings_of(baseline=BASELINES):
    config = {
        "factors": reference.CONFIG["factors"],
        "analysis": {
            "metrics": {"accuracy": {"better": "higher", "unit": ""}},
            "baseline": baseline,
        },
    }
    return reference.settings(config)


def rows_of(table, baseline=BASELINES):
    own = settings_of(baseline)
    fits, _ = fit_all(study_of(table, own), own)
    return coefficients(fits, own).set_index(["framing", "estimator", "term"]).sort_index()


@few
@given(tables())
def test_both_framings_fit_the_same_values_with_a_replicate_block(table):
    own = settings_of()
    study = study_of(table, own)
    for fit in (
        lambda framing: split_plot(study, own, "accuracy", framing),
        lambda framing: ordinary_least_squares(
            study, own, "accuracy", framing, replicate_block=True
        ),
    ):
        absolute, relative = fit("absolute"), fit("relative")
        back = relative.fitted + study.runs["baseline_accuracy"].to_numpy()
        assert absolute.fitted == pytest.approx(back, abs=1e-8)


@few
@given(
    tables(),
    st.fixed_dictionaries(
        {
            "learning_rate": st.floats(1e-6, 1e-3),
            "batch_size": st.floats(1, 128),
            "epochs": st.integers(-500, 1000).map(lambda hundredths: hundredths / 100),
        }
    ),
)
def test_recoding_never_changes_p_values_of_the_highest_order(table, baseline):
    one, other = rows_of(table), rows_of(table, baseline)
    for estimator in ESTIMATORS:
        terms = [t for t in one.loc["relative", estimator].index if ":" in t or "^" in t]
        assert len(terms) == 6
        for term in terms:
            at = ("relative", estimator, term)
            assert other.loc[at, "p_value"] == pytest.approx(
                one.loc[at, "p_value"], rel=1e-4, abs=1e-12
            )


@few
@given(tables(), st.integers(0, 2**32 - 1))
def test_permuting_rows_changes_nothing(table, seed):
    shuffled = table.sample(frac=1, random_state=seed % 2**32).reset_index(drop=True)
    numbers = ["estimate", "std_error", "df", "p_value", "q_value", "ci_low"]
    one, other = rows_of(table)[numbers], rows_of(shuffled)[numbers]
    pd.testing.assert_frame_equal(one, other, rtol=1e-5, atol=1e-9)


@few
@given(tables(), st.floats(-10, 10))
def test_adding_a_constant_moves_only_the_intercept(table, constant):
    moved = table.assign(accuracy=table["accuracy"] + constant)
    one, other = rows_of(table), rows_of(moved)
    shift = other["estimate"] - one["estimate"]
    expected = np.where(one.index.get_level_values("term") == "intercept", constant, 0)
    assert shift.to_numpy() == pytest.approx(expected, abs=1e-8)
    assert other["std_error"].to_numpy() == pytest.approx(one["std_error"].to_numpy(), rel=1e-5)
