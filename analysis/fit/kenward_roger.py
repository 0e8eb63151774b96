"""Tests of several coefficients of a split-plot fit by Kenward & Roger (1997, Biometrics 53).

The covariance of the estimates is corrected for the variances being estimates themselves, and the
F statistic is scaled and given the degrees of freedom that match its first two moments; equal to
``pbkrtest::KRmodcomp`` for R (Halekoh & Højsgaard 2014, J. Stat. Softw. 59(9)). Unlike
Satterthwaite's, these degrees of freedom are the same in every coding of the factors.

With one random intercept the runs' covariance has few eigenvalues, so that everything follows from
sums over trajectories: the residual variance s² within trajectories, and s² + k t² for the mean of
a trajectory of k runs, t² being the variance between trajectories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fit.least_squares import Array, Fit
from analysis.fit.split_plot import Likelihood


@dataclass(frozen=True)
class KenwardRoger:
    """What the tests need of a fit with p coefficients, for the orthonormal basis X B of its design
    and in units of the residual variance.

    covariance, adjusted: (p, p), of the estimates, plain and corrected. slopes: (2, p, p), of the
    plain covariance's inverse by the variances between and within trajectories.
    parameter_covariance: (2, 2), of these two variances, from the expected information.
    """

    covariance: Array
    adjusted: Array
    slopes: Array
    parameter_covariance: Array

    @classmethod
    def of(cls, fit: Fit) -> KenwardRoger:
        """``fit`` is a split-plot fit with trajectories of several runs."""
        likelihood = Likelihood.of(fit.basis, fit.response, fit.clusters)
        sizes, counts = likelihood.sizes, likelihood.counts
        between = likelihood.sums[:, :-1, :-1] / sizes[:, None, None]
        within = likelihood.total[:-1, :-1] - between.sum(axis=0)

        # strata: within trajectories, then between those of each size. An eigenvalue's slopes are
        # by the variance between and by the variance within.
        crossed = np.concatenate([within[None], between])
        ratio = fit.trajectory_variance / fit.residual_variance
        eigenvalues = np.append(1.0, 1 + ratio * sizes)
        counts = np.append(counts @ (sizes - 1), counts)
        slopes = np.array([np.append(0.0, sizes), np.ones(len(sizes) + 1)])

        def summed(weights: Array) -> Array:
            return np.tensordot(weights, crossed, axes=(-1, 0))

        covariance = np.linalg.inv(summed(1 / eigenvalues))
        first = -summed(slopes / eigenvalues**2)  # P of Kenward & Roger
        products = slopes[:, None] * slopes[None]  # (2, 2, strata)
        second = summed(products / eigenvalues**3)  # Q
        pulled = np.einsum("iab,bc,jcd->ijad", first, covariance, first, optimize=True)
        information = 0.5 * (
            products @ (counts / eigenvalues**2)
            - 2 * np.einsum("ab,ijba->ij", covariance, second)
            + np.einsum("ab,ijba->ij", covariance, pulled)
        )
        parameter_covariance = np.linalg.inv(information)
        correction = np.einsum("ij,ijab->ab", parameter_covariance, second - pulled)
        return cls(
            covariance=covariance,
            adjusted=covariance + 2 * covariance @ correction @ covariance,
            slopes=first,
            parameter_covariance=parameter_covariance,
        )

    def test(self, contrasts: Array, estimate: Array) -> tuple[float, float]:
        """Scaled F and its denominator's df for q contrasts (q, p) of the orthonormal basis, whose
        estimates (q,) are in units of the residual standard deviation.

        nan, nan where the variances are too uncertain for the moments to exist.
        """
        count = len(contrasts)
        plain = contrasts @ self.covariance @ contrasts.T
        changes = contrasts @ self.covariance @ self.slopes @ self.covariance @ contrasts.T
        shares = np.linalg.solve(plain, changes)  # (2, q, q)
        traces = np.einsum("iaa->i", shares)
        of_products = np.einsum("iab,jba->ij", shares, shares)
        first = float(traces @ self.parameter_covariance @ traces)
        second = float((self.parameter_covariance * of_products).sum())
        df, scale = _moments_matched(count, first, second)
        wald = estimate @ np.linalg.solve(contrasts @ self.adjusted @ contrasts.T, estimate)
        return scale * float(wald) / count, df


def _moments_matched(count: int, first: float, second: float) -> tuple[float, float]:
    """df of the denominator and scale of F, by A1 and A2 of the paper; nan where F has no mean or
    no such approximation."""
    if count == 1:  # the formulas below reduce to Satterthwaite's df
        return 2 / second, 1.0
    bend = (first + 6 * second) / (2 * count)
    g = ((count + 1) * first - (count + 4) * second) / ((count + 2) * second)
    below = 3 * count + 2 * (1 - g)
    mean = 1 - second / count
    numerator = 1 + g / below * bend
    left = 1 - (count - g) / below * bend
    right = 1 - (count + 2 - g) / below * bend
    if min(mean, left) <= 0 or right == 0:
        return float("nan"), float("nan")
    excess = (mean / left) ** 2 * numerator / right - 1  # q rho - 1, rho half the relative variance
    df = 4 + (count + 2) / excess if excess != 0 else float("inf")
    if not df > 2:
        return float("nan"), float("nan")
    return df, mean / (1 - 2 / df)
