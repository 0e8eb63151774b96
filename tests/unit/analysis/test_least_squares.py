"""Least squares and lack of fit against R."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from scipy import stats

from analysis.fit import least_squares as module
from analysis.fit.estimators import p_values
from analysis.fit.least_squares import (
    LackOfFit,
    explains_exactly,
    lack_of_fit,
    ordinary_least_squares,
)
from analysis.preparation import study_of


def assert_equal_to_r(fit, rows):
    assert sorted(fit.names) == sorted(reference.our_term(row["term"]) for row in rows)
    p = p_values(fit)
    for row in rows:
        at = fit.names.index(reference.our_term(row["term"]))
        assert fit.coefficients[at] == pytest.approx(row["estimate"], rel=1e-8), row["term"]
        assert fit.std_errors[at] == pytest.approx(row["std_error"], rel=1e-8), row["term"]
        assert p[at] == pytest.approx(row["p_value"], rel=1e-6, abs=1e-12), row["term"]


@pytest.mark.parametrize("design", reference.DESIGNS)
@pytest.mark.parametrize("metric", reference.METRICS)
@pytest.mark.parametrize("framing", reference.FRAMINGS)
def test_ols_and_lack_of_fit_equal_lm(design, metric, framing):
    study = reference.study(design)
    fit = ordinary_least_squares(study, reference.settings(), metric, framing)
    answer = reference.answers(design)[metric][framing]
    assert_equal_to_r(fit, answer["ols"])
    test = lack_of_fit(fit, study.runs)
    expected = answer["lack_of_fit"]
    assert (test.df, test.pure_error_df) == (expected["df1"], expected["df2"])
    assert test.f_statistic == pytest.approx(expected["F"], rel=1e-8)
    assert test.p_value == pytest.approx(expected["p"], rel=1e-6)


@pytest.mark.parametrize("block", [True, False])
def test_chemreact_equals_rsm(block):
    study = reference.chemreact()
    settings = reference.settings(reference.CHEMREACT_CONFIG)
    fit = ordinary_least_squares(study, settings, "Yield", "absolute", replicate_block=block)
    answer = reference.answers("chemreact")["block" if block else "noblock"]
    rows = [
        {
            "term": row["_row"],
            "estimate": row["Estimate"],
            "std_error": row["Std. Error"],
            "p_value": row["Pr(>|t|)"],
        }
        for row in answer["coef"]
    ]
    assert_equal_to_r(fit, rows)
    test = lack_of_fit(fit, study.runs)
    expected = next(row for row in answer["anova"] if row["_row"] == "Lack of fit")
    assert test.df == expected["Df"]
    assert test.sum_of_squares == pytest.approx(expected["Sum Sq"], rel=1e-8)
    assert test.f_statistic == pytest.approx(expected["F value"], rel=1e-8)
    assert test.p_value == pytest.approx(expected["Pr(>F)"], rel=1e-6)


@pytest.mark.parametrize(
    ("parts", "statistic"),
    [
        ((2, 6.0, 4, 2.0), 6),
        ((1, 6.0, 4, 2.0), 12),
        ((0, 0.0, 4, 2.0), np.nan),  # no more cells than terms
        ((-1, 0.0, 4, 2.0), np.nan),
        ((2, 6.0, 0, 0.0), np.nan),  # no cell is repeated
        ((2, 6.0, 4, 0.0), np.nan),  # runs of a cell are all the same
    ],
)
def test_lack_of_fit_is_tested_where_both_sides_have_something(parts, statistic):
    test = LackOfFit(*parts)
    assert test.f_statistic == pytest.approx(statistic, nan_ok=True)
    assert test.p_value == pytest.approx(stats.f.sf(statistic, parts[0], parts[2]), nan_ok=True)


def test_residuals_of_a_share_of_the_squares_are_rounding(monkeypatch):
    fit = ordinary_least_squares(reference.study(), reference.settings(), "loss", "absolute")
    assert not explains_exactly(fit)
    # residuals of a half beside a response of 1
    fit = replace(fit, response=np.ones(4), design=np.ones((4, 1)), coefficients=np.array([0.5]))
    for limit, exact in ((0.25, True), (np.nextafter(0.25, 0), False)):
        monkeypatch.setattr(module, "EXACT", limit)
        assert explains_exactly(fit) == exact


def test_in_a_repeated_cell_pure_error_is_what_its_runs_differ_by():
    """Three cells of a line, one of them run three times, one twice: by hand."""
    runs = pd.DataFrame({"a": [1, 1, 1, 2, 3, 3], "loss": [1.0, 2, 3, 7, 4, 6]})
    settings = reference.settings(
        {"factors": {"a": {}}, "analysis": {"metrics": {"loss": {}}, "degree": 1}}
    )
    study = study_of(runs, settings)
    fit = ordinary_least_squares(study, settings, "loss", "absolute")
    test = lack_of_fit(fit, study.runs)
    assert (test.df, test.pure_error_df) == (1, 3)
    assert test.pure_error == pytest.approx(2 + 0 + 2)
    residual = np.polyfit(runs["a"], runs["loss"], 1, full=True)[1][0]
    assert test.sum_of_squares == pytest.approx(residual - 4)
