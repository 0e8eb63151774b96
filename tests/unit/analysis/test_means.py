"""Fitted means, their own intervals and those of many at once."""

import numpy as np
import pytest
import reference
from scipy import stats

from analysis.fit.coding import Coding
from analysis.fit.means import curve_values, estimates, max_t_critical, symmetric_root
from analysis.fit.split_plot import split_plot
from analysis.variables import Factor


def test_a_mean_has_the_t_interval_of_its_own_degrees_of_freedom():
    study = reference.study("splitplot_unbalanced")
    fit = split_plot(study, reference.settings(), "loss", "absolute")
    contrasts = fit.contrasts(study.runs)[[0, 5, 40]]
    table = estimates(fit, contrasts, 0.1)
    df = fit.degrees_of_freedom(contrasts)
    assert len(set(df.round(6))) > 1
    std_error = np.sqrt([c @ fit.covariance @ c for c in contrasts])
    np.testing.assert_allclose(table["estimate"], contrasts @ fit.coefficients)
    np.testing.assert_allclose(table["std_error"], std_error)
    margin = stats.t.ppf(0.95, df) * std_error
    np.testing.assert_allclose(table["ci_low"], table["estimate"] - margin)
    np.testing.assert_allclose(table["ci_high"], table["estimate"] + margin)


def critical(contrasts, df=12.0):
    contrasts = np.array(contrasts, dtype=float)
    covariance = np.diag(np.arange(1.0, contrasts.shape[1] + 1))
    return max_t_critical(contrasts, covariance, df, 0.05, np.random.default_rng(0))


# 3000 random directions tell a critical value to about one percent.
def test_one_mean_has_the_critical_value_of_t_and_independent_ones_sidaks():
    assert critical([[1, 0, 0]]) == pytest.approx(stats.t.ppf(0.975, 12), rel=0.015)
    assert critical([[1, 0, 0], [-2, 0, 0]]) == pytest.approx(stats.t.ppf(0.975, 12), rel=0.015)
    # the studentised maximum modulus of three, with the variance as good as known
    sidak = stats.norm.isf((1 - 0.95 ** (1 / 3)) / 2)
    assert critical(np.eye(3), df=1e7) == pytest.approx(sidak, rel=0.015)
    # a setting's difference to itself is none
    assert critical([[0, 0, 0], [1, 0, 0]]) == critical([[1, 0, 0]])
    assert critical([[0, 0, 0]]) == pytest.approx(stats.t.ppf(0.975, 12))


def test_the_symmetric_root_is_one_of_the_covariance():
    half = np.random.default_rng(0).normal(size=(4, 3))
    root = symmetric_root(half @ half.T)  # of rank 3
    np.testing.assert_allclose(root, root.T, atol=1e-12)
    np.testing.assert_allclose(root @ root, half @ half.T, atol=1e-12)


def test_a_curve_goes_evenly_over_the_scale_and_through_the_levels():
    rate = Coding(Factor("rate", "log10"), (0.001, 0.02, 0.1), -2, 1)
    values = curve_values(rate, 3)
    assert values == pytest.approx([0.001, 0.01, 0.02, 0.1])
    many = Coding(Factor("rate"), tuple(range(1, 8)), 4, 3)
    assert curve_values(many, 7) == pytest.approx(list(range(1, 8)))
    assert curve_values(many, 4) == pytest.approx([1, 3, 5, 7])  # more levels than points
    kinds = Coding(Factor("kind", "categorical"), ("x", "y"))
    assert curve_values(kinds, 9) == ["x", "y"]
