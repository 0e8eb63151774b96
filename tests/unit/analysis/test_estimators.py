"""Coefficients and their errors by every estimator, against R."""

import numpy as np
import pytest
import reference
from scipy import stats

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


@pytest.mark.parametrize("estimator", ["ols", "ols_cluster", "split_plot"])
def test_q_values_are_over_the_terms_of_one_fit_without_intercept_and_blocks(fitted, estimator):
    _, table = fitted["splitplot_balanced"]
    rows = rows_of(table, "loss", "absolute", estimator)
    apart = rows.index.str.startswith(("intercept", "replicate"))
    assert apart.sum() == (3 if estimator == "split_plot" else 1)
    assert rows.loc[apart, "q_value"].isna().all() and rows.loc[apart, "p_value"].notna().all()
    terms = rows[~apart]
    ranked = stats.false_discovery_control(terms["p_value"])
    assert len(terms) == 9 and terms["q_value"].to_numpy() == pytest.approx(ranked)
    assert set(rows["family"]) == {
        f"loss, absolute, {estimator}: 9 terms without the intercept and blocks"
    }


@pytest.mark.parametrize("estimator", ["ols", "ols_cluster", "split_plot"])
def test_intervals_leave_half_of_alpha_on_either_side(fitted, estimator):
    fits, table = fitted["splitplot_unbalanced"]
    rows = rows_of(table, "f1", "relative", estimator)
    margin = stats.t.ppf(0.975, rows["df"]) * rows["std_error"]
    np.testing.assert_allclose(rows["ci_low"], rows["estimate"] - margin)
    np.testing.assert_allclose(rows["ci_high"], rows["estimate"] + margin)
    np.testing.assert_allclose(rows["statistic"], rows["estimate"] / rows["std_error"])
    # an interval ends at zero where the p-value is alpha
    excludes = (rows["ci_low"] > 0) | (rows["ci_high"] < 0)
    assert excludes.tolist() == (rows["p_value"] < 0.05).tolist()
    wide = rows_of(coefficients(fits, reference.settings(alpha=0.32)), "f1", "relative", estimator)
    margin = stats.t.ppf(0.84, rows["df"]) * rows["std_error"]
    np.testing.assert_allclose(wide["ci_high"], rows["estimate"] + margin)
