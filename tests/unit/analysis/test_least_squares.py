"""Least squares and lack of fit against R."""

import pytest
import reference

from analysis.fit.estimators import p_values
from analysis.fit.least_squares import lack_of_fit, ordinary_least_squares


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
