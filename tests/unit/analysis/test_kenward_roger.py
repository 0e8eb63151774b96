"""Kenward and Roger's approximation where it is known by hand; test_joint.py compares with R."""

import numpy as np
import pytest

from analysis.fit.kenward_roger import KenwardRoger


def asked(count, uncertainty, estimate=1.0):
    """F and df of ``count`` estimates whose covariance is a variance of relative variance
    ``uncertainty``, times the identity."""
    slopes = np.array([2 * np.eye(count), np.zeros((count, count))])
    parts = KenwardRoger(
        covariance=np.eye(count),
        adjusted=np.eye(count),
        slopes=slopes,
        parameter_covariance=np.diag([uncertainty / 4, 0]),
    )
    return parts.test(np.eye(count), np.full(count, estimate))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("uncertainty", [0.01, 0.3, 0.6, 0.9])
def test_of_one_variance_the_test_is_the_f_test(count, uncertainty):
    """A variance of df degrees of freedom has the relative variance 2 / df."""
    statistic, df = asked(count, uncertainty, estimate=3.0)
    assert df == pytest.approx(2 / uncertainty)
    assert statistic == pytest.approx(9)


@pytest.mark.parametrize("uncertainty", [0.5, 1.0, 1.2, 5.0])
def test_of_a_variance_too_uncertain_nothing_is_said(uncertainty):
    """F has no mean with two degrees of freedom, and at four the approximation divides by zero."""
    assert np.isnan(asked(2, uncertainty)).all()


def test_three_coefficients_by_the_papers_formulas():
    """A1 = 9 v and A2 = 3 v, in the notation of Kenward & Roger (1997), section 4.2."""
    v, q = 0.1, 3
    a1, a2 = 9 * v, 3 * v
    b = (a1 + 6 * a2) / (2 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    c1, c2, c3 = (part / (3 * q + 2 * (1 - g)) for part in (g, q - g, q + 2 - g))
    mean = 1 / (1 - a2 / q)
    variance = 2 / q * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * mean**2)
    expected = 4 + (q + 2) / (q * rho - 1)
    statistic, df = asked(3, v)
    assert df == pytest.approx(expected)
    assert statistic == pytest.approx(expected / (mean * (expected - 2)))
