"""Differences between a factor's levels: against SciPy's Tukey test and known models."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.fit.least_squares import ordinary_least_squares
from analysis.fit.means import max_t_critical
from analysis.preparation import study_of
from analysis.questions import differences as module
from analysis.questions.differences import differences
from analysis.runs.settings import Settings

ALPHA = 0.05


def fitted(runs: pd.DataFrame, factors: dict, formula: str):
    settings = Settings.from_config(
        {
            "seed": 1,
            "factors": factors,
            "analysis": {"metrics": {"y": {"better": "higher"}}, "formula": formula},
        }
    )
    study = study_of(runs, settings)
    return ordinary_least_squares(study, settings, "y", "absolute"), study, settings


def grid(**levels):
    index = pd.MultiIndex.from_product(levels.values(), names=levels)
    return index.to_frame(index=False)


def test_levels_of_one_category_are_compared_as_tukey_does():
    rng = np.random.default_rng(0)
    runs = grid(kind=list("abcd"), replicate=range(6))
    runs["y"] = rng.normal(size=len(runs)) + runs["kind"].map({"a": 0, "b": 0.5, "c": 1, "d": 3})
    found = differences(*fitted(runs, {"kind": {"scale": "categorical"}}, "kind"))
    groups = [group["y"].to_numpy() for _, group in runs.groupby("kind")]
    interval = stats.tukey_hsd(*groups).confidence_interval(1 - ALPHA)
    assert set(found["comparison"]) == {"average"}
    for row in found.itertuples():
        at = "abcd".index(row.other_level), "abcd".index(row.level)
        width = interval.high[at] - interval.low[at]
        assert row.difference == pytest.approx(
            groups[at[0]].mean() - groups[at[1]].mean(), abs=1e-12
        )
        assert row.ci_low == pytest.approx(interval.low[at], abs=0.01 * width)
        assert row.ci_high == pytest.approx(interval.high[at], abs=0.01 * width)


def test_a_factor_that_acts_through_another_is_found_at_the_others_level():
    rng = np.random.default_rng(1)
    runs = grid(a=[-1, 0, 1], b=[-1, 0, 1], replicate=range(3))
    runs["y"] = 2 * runs["a"] * runs["b"] + rng.normal(scale=0.1, size=len(runs))
    found = differences(*fitted(runs, {"a": {}, "b": {}}, "a + b + a:b"))
    average = found.query(
        "factor == 'a' and comparison == 'average' and level == -1 and other_level == 1"
    )
    assert average["ci_low"].item() < 0 < average["ci_high"].item()
    largest = found.query("factor == 'a' and comparison == 'largest'")
    assert abs(largest["difference"].item()) == pytest.approx(4, abs=0.3)
    assert abs(largest["b"].item()) == 1
    assert pd.isna(largest["a"].item())
    assert largest["ci_low"].item() > 0 or largest["ci_high"].item() < 0


def test_without_an_interaction_there_is_no_other_setting_to_name():
    rng = np.random.default_rng(2)
    runs = grid(a=[1, 2, 3], b=[1, 2, 3], replicate=range(2))
    runs["y"] = runs["a"] + rng.normal(size=len(runs))
    found = differences(*fitted(runs, {"a": {}, "b": {}}, "a + b"))
    assert set(found["comparison"]) == {"average"}
    ends = found.query("factor == 'a' and level == 1 and other_level == 3")
    slope = np.polyfit(runs["a"], runs["y"], 1)[0]
    assert ends["difference"].item() == pytest.approx(2 * slope, rel=1e-9)


def test_points_that_the_runs_tell_nothing_of_are_not_compared():
    """b is only run together with a: where a is low, b high was never near a run."""
    rng = np.random.default_rng(3)
    a = rng.uniform(-1, 1, 40)
    runs = pd.DataFrame({"a": a, "b": a + rng.normal(scale=0.05, size=40)})
    runs["y"] = rng.normal(size=40)
    found = differences(*fitted(runs, {"a": {}, "b": {}}, "a + b + a:b"))
    assert found.query("factor == 'a' and level < -0.9 and other_level > 0.9").empty


def test_the_largest_of_pure_noise_is_called_sure_no_more_often_than_alpha():
    runs = grid(a=[0, 1, 2], b=[0, 1, 2], replicate=range(2))
    sure = 0
    for seed in range(60):
        runs["y"] = np.random.default_rng(seed).normal(size=len(runs))
        found = differences(*fitted(runs, {"a": {}, "b": {}}, "a + b + a:b + a^2 + b^2"))
        of_a = found[found["factor"] == "a"]
        sure += bool(((of_a["ci_low"] > 0) | (of_a["ci_high"] < 0)).any())
    assert sure <= stats.binom.isf(0.001, 60, ALPHA)


def test_of_very_many_settings_evenly_spread_ones_are_averaged_over(monkeypatch):
    """The slope of a is b: 2 on average over all its levels, 2.5 over the ends alone."""
    runs = grid(a=[0, 1, 2], b=[0, 1, 5], replicate=range(2))
    noise = np.random.default_rng(0).normal(scale=1e-9, size=len(runs))
    runs["y"] = runs["a"] * runs["b"] + noise
    given = fitted(runs, {"a": {}, "b": {}}, "a + b + a:b")
    for most, slope in ((9, 2), (8, 2.5), (6, 2.5), (5, 0), (1, 0)):
        monkeypatch.setattr(module, "MOST_COMPARISONS", most)
        found = differences(*given).query("factor == 'a' and comparison == 'average'")
        assert found["difference"].tolist() == pytest.approx([slope, 2 * slope, slope], abs=1e-6), (
            most
        )


def test_all_differences_of_a_factor_are_one_family():
    rng = np.random.default_rng(4)
    runs = grid(a=[0, 1, 2], b=[0, 1, 5], replicate=range(2))
    runs["y"] = rng.normal(size=len(runs))
    fit, study, settings = fitted(runs, {"a": {}, "b": {}}, "a + b + a:b")
    found = differences(fit, study, settings).query("factor == 'a'")
    slopes = np.array([[0, 1, 0, b] for b in fit.contrasts(runs[:18:2])[:3, 2]])
    # coded, the levels of a are 1 apart; differences at every b, and on average over b
    at = np.vstack([steps * each for steps in (1, 2, 1) for each in (slopes, slopes.mean(axis=0))])
    average = np.array([steps * slopes.mean(axis=0) for steps in (1, 2, 1)])
    critical = max_t_critical(at, fit.covariance, fit.residual_df, ALPHA, np.random.default_rng(0))
    rows = found[found["comparison"] == "average"]
    std_error = np.sqrt(np.einsum("ki,ij,kj->k", average, fit.covariance, average))
    assert rows["difference"].to_numpy() == pytest.approx(average @ fit.coefficients)
    assert rows["std_error"].to_numpy() == pytest.approx(std_error)
    assert (rows["df"] == fit.residual_df).all()
    half = (rows["ci_high"] - rows["ci_low"]) / 2 / rows["std_error"]
    assert half.to_numpy() == pytest.approx(np.full(3, critical), rel=0.02)  # simulated
    largest = found[found["comparison"] == "largest"].iloc[0]
    sizes = np.abs(2 * slopes @ fit.coefficients)
    assert abs(largest["difference"]) == pytest.approx(sizes.max())
    assert largest["b"] == [0, 1, 5][int(sizes.argmax())]
    assert (largest["level"], largest["other_level"]) == (0, 2)
