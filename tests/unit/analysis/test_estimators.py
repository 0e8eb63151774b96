"""Coefficients and their errors by every estimator, against R."""

import pytest
import reference

from analysis.fit.estimators import coefficients, fit_all

CASES = [
    (design, metric, framing)
    for design in reference.DESIGNS
    for metric in reference.METRICS
    for framing in reference.FRAMINGS
]


@pytest.fixture(scope="module")
def fitted():
    """fits and coefficient table by design."""
    result = {}
    for design in reference.DESIGNS:
        fits, notes = fit_all(reference.study(design), reference.settings())
        assert not notes
        result[design] = fits, coefficients(fits, reference.settings())
    return result


def rows_of(table, metric, framing, estimator):
    chosen = (
        (table["metric"] == metric)
        & (table["framing"] == framing)
        & (table["estimator"] == estimator)
    )
    return table[chosen].set_index("term")


@pytest.mark.parametrize(("design", "metric", "framing"), CASES)
def test_split_plot_equals_lmer_test(fitted, design, metric, framing):
    fits, table = fitted[design]
    rows = rows_of(table, metric, framing, "split_plot")
    answer = reference.answers(design)[metric][framing]
    assert len(rows) == len(answer["split_plot_satterthwaite"])
    for expected in answer["split_plot_satterthwaite"]:
        row = rows.loc[reference.our_term(expected["term"])]
        assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-5)
        assert row["std_error"] == pytest.approx(expected["std_error"], rel=1e-4)
        assert row["df"] == pytest.approx(expected["df"], rel=0.01)
        assert row["p_value"] == pytest.approx(expected["p_value"], rel=0.02, abs=1e-6)
    fit = fits[metric, framing, "split_plot"]
    variances = answer["split_plot_var"]
    assert fit.trajectory_variance == pytest.approx(variances["trajectory"], rel=0.01)
    assert fit.residual_variance == pytest.approx(variances["residual"], rel=0.01)
    assert fit.minus2_reml == pytest.approx(variances["minus2_reml"], abs=1e-6)
