import numpy as np
import pytest
import reference
from scipy import stats

from analysis.regression import lack_of_fit, ordinary_least_squares


def p_values(fit):
    return 2 * stats.t.sf(np.abs(fit.coefficients / fit.std_errors), fit.df)


def assert_equal_to_r(fit, rows, estimate, std_error, p_value):
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
    assert_equal_to_r(fit, answer["ols"], 1e-8, 1e-8, 1e-6)
    test = lack_of_fit(fit, study.runs)
    expected = answer["lack_of_fit"]
    assert (test.df, test.pure_error_df) == (expected["df1"], expected["df2"])
    assert test.f_statistic == pytest.approx(expected["F"], rel=1e-8)
    assert test.p_value == pytest.approx(expected["p"], rel=1e-6)
