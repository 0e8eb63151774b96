"""Fitted means along factors, and their bands."""

import numpy as np
import pandas as pd
import pytest
import reference
from made import made_study

from analysis.fit import means
from analysis.fit.least_squares import ordinary_least_squares
from analysis.questions import effects, optimum
from analysis.runs.formula import model_terms
from analysis.runs.settings import Settings


def test_effects_are_the_fits_predictions_with_others_at_the_centre():
    chosen = reference.settings()
    fit = ordinary_least_squares(reference.study(), chosen, "loss", "absolute")
    table = effects.effects(fit, chosen)
    rates = table[table["factor"] == "learning_rate"]
    points = pd.DataFrame({"learning_rate": rates["value"], "batch_size": 16.0, "epochs": 2.0})
    estimate, std_error = fit.predict(points)
    assert rates["estimate"].to_numpy() == pytest.approx(estimate)
    assert rates["std_error"].to_numpy() == pytest.approx(std_error)
    assert set(rates["held"]) == {"batch_size=16, epochs=2"}
    # the levels of the design are there exactly, so a report can look them up
    assert set(np.unique(reference.study().runs["learning_rate"])) <= set(rates["value"])
    assert (table["band_low"] <= table["ci_low"]).all()
    assert (table["band_high"] >= table["ci_high"]).all()


def test_relative_effects_are_held_at_the_baselines_hyperparameters():
    chosen = reference.settings()
    fit = ordinary_least_squares(reference.study(), chosen, "loss", "relative")
    table = effects.effects(fit, chosen)
    assert set(table.loc[table["factor"] == "epochs", "held"]) == {
        "learning_rate=1e-05, batch_size=32"
    }


def test_simultaneous_bands_cover_the_whole_curve_as_often_as_they_say():
    study, chosen = made_study(lambda a, b: a + b, levels=(1, 2, 3), noise=1.0)
    fit = ordinary_least_squares(study, chosen, "y", "absolute")
    rows = means.contrasts_at(fit, {"a": np.linspace(1, 3, 21)})
    critical = means.max_t_critical(
        rows, fit.covariance, fit.residual_df, 0.05, np.random.default_rng(0)
    )
    rng = np.random.default_rng(1)
    hat = np.linalg.pinv(fit.design)
    errors = rng.normal(size=(4000, len(fit.response)))
    coefficients = errors @ hat.T
    residual = errors - coefficients @ fit.design.T
    sigma = np.sqrt((residual**2).sum(axis=1) / fit.residual_df)
    unit = np.sqrt(np.einsum("ki,ij,kj->k", rows, np.linalg.inv(fit.design.T @ fit.design), rows))
    worst = np.abs(coefficients @ rows.T / unit).max(axis=1) / sigma
    assert (worst < critical).mean() == pytest.approx(0.95, abs=0.012)
    pointwise = means.estimates(fit, rows, 0.05)
    t = ((pointwise["ci_high"] - pointwise["estimate"]) / pointwise["std_error"]).iloc[0]
    assert (worst < t).mean() < 0.92  # pointwise intervals do not cover the curve


def test_categorical_factors_are_averaged_and_shown_by_level():
    study, chosen = made_study(lambda a, b: a + b)
    study.runs["kind"] = np.where(study.runs.index % 2, "x", "y")
    study.runs["y"] += study.runs["kind"] == "x"
    config = {
        "factors": {"a": {}, "b": {}, "kind": {"scale": "categorical"}},
        "analysis": {"metrics": {"y": {"better": "higher"}}, "formula": "a + b + kind + a:b + a^2"},
    }
    chosen = Settings.from_config(config)
    fit = ordinary_least_squares(study, chosen, "y", "absolute", terms=model_terms(chosen))
    table = effects.effects(fit, chosen)
    kind = table[table["factor"] == "kind"].set_index("value")["estimate"]
    assert kind["x"] - kind["y"] == pytest.approx(1)
    middle = table[(table["factor"] == "a") & (table["value"] == 3)]
    assert middle["estimate"].to_numpy() == pytest.approx([0.5])
    assert set(table.loc[table["factor"] == "a", "held"]) == {"b=3, kind averaged"}
    best = optimum.optimum(fit, study, chosen).set_index("factor")
    assert best.loc["kind", "value"] == "x" and best.loc["a", "value"] == 5
    assert best["predicted"].iloc[0] == pytest.approx(3)
    assert set(effects.surfaces(fit)["held"]) == {"kind=x", "kind=y"}
