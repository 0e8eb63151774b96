"""Shares of explained variance against R's car and of known functions."""

import numpy as np
import pandas as pd
import pytest
import reference
from made import CONFIG, SETTINGS
from made import simulated as simulated_study

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.resampling import simulated
from analysis.fit.split_plot import split_plot
from analysis.preparation import study_of
from analysis.questions import importance
from analysis.runs.settings import Settings
from tests.simulation.studies import Planned, grid, settings_of


@pytest.mark.parametrize("design", reference.DESIGNS)
@pytest.mark.parametrize("metric", reference.METRICS)
def test_type2_sums_of_squares_are_those_of_car(design, metric):
    study, chosen = reference.study(design), reference.settings()
    fit = ordinary_least_squares(study, chosen, metric, "absolute")
    answer = reference.answers(design)[metric]["absolute"]["anova_type2"]
    squares = ["learning_rate^2", "batch_size^2", "epochs^2"]
    pairs = ["learning_rate:batch_size", "learning_rate:epochs", "batch_size:epochs"]
    terms = ["learning_rate", "batch_size", "epochs", *squares, *pairs]
    # car treats a square as a term of its own, beside the slope and the interactions
    groups = {
        term: (
            np.array([fit.names.index(term)]),
            np.array([fit.names.index(pair) for pair in pairs if term in pair.split(":")], int),
        )
        for term in terms
    }
    gram, moments = fit.design.T @ fit.design, fit.design.T @ fit.response
    ours = importance.type2_sums_of_squares(gram[None], moments[None], groups)[0]
    theirs = [row["Sum.Sq"] for row in answer[:9]]
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-11)


def test_a_factors_group_holds_its_powers_and_leaves_out_its_interactions():
    fit = ordinary_least_squares(reference.study(), reference.settings(), "loss", "absolute")
    groups = importance.factor_groups(fit)
    named = {
        name: [[fit.names[i] for i in columns] for columns in pair] for name, pair in groups.items()
    }
    assert list(named) == [
        "learning_rate",
        "batch_size",
        "epochs",
        "learning_rate:batch_size",
        "learning_rate:epochs",
        "batch_size:epochs",
    ]
    assert named["epochs"] == [
        ["epochs", "epochs^2"],
        ["learning_rate:epochs", "batch_size:epochs"],
    ]
    assert named["batch_size:epochs"] == [["batch_size:epochs"], []]


def test_both_methods_find_what_matters():
    study = simulated_study(lambda a, b, e: a + a * e, trajectory_sd=0.1, epoch_sd=0.05)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    table = importance.importance(fit, study, SETTINGS)
    # variance of a is 2/3, of the product 4/9
    for _, part in table.groupby("method"):
        part = part.set_index("term")
        assert part.loc["a", "share"] == pytest.approx(0.6, abs=0.07)
        assert part.loc["a:epochs", "share"] == pytest.approx(0.4, abs=0.07)
        assert part.loc[["b", "epochs", "a:b", "b:epochs"], "share"].max() < 0.03
    shares = table[table["method"] == "type2"].set_index("term")
    assert shares.loc["a", "ci_low"] > 0.4 and shares.loc["b", "ci_high"] < 0.1
    assert shares.loc["b", "ci_low"] == 0
    study = study_of(study.runs.sample(frac=1, random_state=1, ignore_index=True), SETTINGS)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    again = importance.importance(fit, study, SETTINGS)
    pd.testing.assert_frame_equal(table, again, rtol=1e-6)  # nor does the rows' order matter


def test_another_unit_of_the_metric_changes_no_share():
    study = simulated_study(lambda a, b, e: a + a * e, trajectory_sd=0.1, epoch_sd=0.05)
    tables = []
    for scale, shift in ((1.0, 0.0), (40.0, 7.0)):
        study.runs["y"] = scale * study.runs["y"] + shift
        fit = split_plot(study, SETTINGS, "y", "absolute")
        tables.append(importance.importance(fit, study, SETTINGS))
    pd.testing.assert_frame_equal(*tables, rtol=1e-5, atol=1e-8)


def test_functional_anova_sees_what_the_polynomial_cannot():
    """Up, down, up, down: no slope and no curvature."""
    table = pd.DataFrame(
        [(a, b, r) for a in range(6) for b in range(3) for r in range(3)],
        columns=["a", "b", "replicate"],
    )
    rng = np.random.default_rng(0)
    table["y"] = table["a"].map({0: 1, 1: -1, 2: 0.5, 3: 0.5, 4: -1, 5: 1}) * (
        1 - 2 * table["a"].isin([2, 3])
    ) + 0.05 * rng.normal(size=len(table))
    chosen = Settings.from_config(
        {"factors": {"a": {}, "b": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    study = study_of(table, chosen)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    found = importance.importance(fit, study, chosen)
    found = found.set_index(["method", "term"])["share"]
    assert found["functional_anova", "a"] > 0.95


def test_importance_with_a_categorical_factor():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        [(a, k, r) for a in range(3) for k in "xyz" for r in range(3)],
        columns=["a", "kind", "replicate"],
    )
    table["y"] = table["kind"].map({"x": 0, "y": 1, "z": 0}) + 0.1 * rng.normal(size=len(table))
    chosen = Settings.from_config(
        {
            "factors": {"a": {}, "kind": {"scale": "categorical"}},
            "analysis": CONFIG["analysis"],
        }
    )
    study = study_of(table, chosen)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    found = importance.importance(fit, study, chosen)
    assert (found.loc[found["term"] == "kind", "share"] > 0.85).all()
    assert set(found["term"]) == {"a", "kind", "a:kind"}


def test_coefficients_are_drawn_from_their_multivariate_t():
    study = reference.study()
    chosen = reference.settings(bootstrap=20_000)
    fit = split_plot(study, chosen, "accuracy", "absolute")
    drawn = simulated(fit, chosen)
    assert drawn.mean(axis=0) == pytest.approx(fit.coefficients, abs=0.05 * fit.std_errors.max())
    wider = fit.df.min() / (fit.df.min() - 2)
    assert np.cov(drawn.T) == pytest.approx(
        wider * fit.covariance, abs=0.05 * wider * fit.covariance.max()
    )


def test_what_chance_adds_is_taken_out():
    """Over studies of noise the sums of squares are as large as chance makes them: half the time
    a factor has nothing left, and its interval nearly always begins at 0."""
    planned = Planned.of(grid(3), settings_of("accuracy", bootstrap=200))
    rng, tables = np.random.default_rng(0), []
    for _ in range(30):
        fit = planned.drawn(planned.coefficients({}), rng)
        tables.append(importance.by_sums_of_squares(fit, planned.settings))
    table = pd.concat(tables)
    assert 0.4 < (table["share"] == 0).mean() < 0.8
    assert (table["ci_low"] == 0).mean() > 0.95


def test_where_nothing_is_explained_every_share_is_zero():
    """The ends are as high as each other: the slope is 0, less than chance alone makes of it."""
    table = pd.DataFrame({"a": [1, 2, 3] * 4, "y": [1.0, -1, 1, 0, 3, 0] * 2})
    settings = Settings.from_config(
        {"factors": {"a": {}}, "analysis": CONFIG["analysis"] | {"degree": 1}}
    )
    study = study_of(table, settings)
    fit = ordinary_least_squares(study, settings, "y", "absolute")
    row = importance.by_sums_of_squares(fit, settings).iloc[0]
    assert row["share"] == row["ci_low"] == 0
    assert row["ci_high"] == 1  # in some simulations there is more


@pytest.mark.parametrize("most", [81, 80])
def test_a_forest_of_a_large_table_is_grown_on_whole_trajectories(most, monkeypatch):
    study = simulated_study(lambda a, b, e: a, trajectory_sd=0.1, epoch_sd=0.05)
    fit = split_plot(study, SETTINGS, "y", "absolute")
    grown = []

    def shares(values, response, row_weights, seed):
        grown.append((response, row_weights))
        return np.zeros((1, 6))

    monkeypatch.setattr(importance, "forest_shares", shares)
    monkeypatch.setattr(importance, "FOREST_ROWS", most)
    importance.importance(fit, study, SETTINGS)
    ((response, weights),) = grown
    assert weights.shape == (importance.TREES, most) and len(response) == most
    blocks = [fit.names.index(name) for name in fit.names if name.startswith("replicate")]
    expected = fit.response - fit.design[:, blocks] @ fit.coefficients[blocks]
    places = [int(np.argmin(abs(expected - each))) for each in response]
    assert response == pytest.approx(expected[places]) and places == sorted(places)
    # all trajectories are whole but the last one drawn, and are drawn together
    sizes = np.bincount(fit.clusters[places])
    assert sorted(sizes)[: len(sizes) - 26] == ([3] if most == 81 else [2])
