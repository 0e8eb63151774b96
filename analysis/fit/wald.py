"""Wald tests that several coefficients are zero together: F, by Kenward & Roger in a split plot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.linalg import null_space

from analysis.fit.kenward_roger import KenwardRoger
from analysis.fit.least_squares import Array, Fit

NOTHING_LEFT = "a single trajectory determines it, so that it cannot be told apart from chance"
TOO_UNCERTAIN = (
    "the variance between trajectories is too uncertain for a test of so many terms; add "
    "replicates or use a smaller model"
)


@dataclass(frozen=True)
class FTest:
    """A test of the null hypothesis that the coefficients named in ``null`` are all zero.

    Where the test cannot be had ``reason`` says why, and the numbers are nan. ``df`` is smaller
    than the number of coefficients where one trajectory alone determines some of them.
    """

    null: tuple[str, ...]
    df: int
    statistic: float = float("nan")
    denominator_df: float = float("nan")
    reason: str = ""

    @property
    def p_value(self) -> float:
        return float(stats.f.sf(self.statistic, self.df, self.denominator_df))


class FTests:
    """F tests of one fit, which share what they need of it.

    By Kenward & Roger (1997) where the fit has a variance between trajectories, else the exact F
    test against the residuals (``car::linearHypothesis`` for R). Directions of the coefficients
    that one trajectory alone determines are not tested.
    """

    def __init__(self, fit: Fit) -> None:
        self.fit = fit
        self._estimate = fit.basis.T @ fit.fitted / np.sqrt(fit.residual_variance)
        self._mixed = None if fit.parameter_covariance is None else KenwardRoger.of(fit)

    def zero(self, names: Collection[str]) -> FTest:
        """Tests that the coefficients of these names are all zero."""
        null = tuple(names)
        contrasts = self._contrasts(null)
        count = len(contrasts)
        if count == 0:
            return FTest(null, 0, reason=NOTHING_LEFT)
        # rows that span the same space in coordinates of the orthonormal basis
        rows = np.linalg.qr((contrasts @ self.fit.inverse_root).T)[0].T
        estimate = rows @ self._estimate
        if self._mixed is None:
            return FTest(null, count, float(estimate @ estimate) / count, self.fit.residual_df)
        statistic, df = self._mixed.test(rows, estimate)
        return FTest(null, count, statistic, df, "" if np.isfinite(statistic) else TOO_UNCERTAIN)

    def _contrasts(self, names: tuple[str, ...]) -> Array:
        """Contrasts (q, p) of these coefficients, orthogonal to what one trajectory determines."""
        at = [self.fit.names.index(name) for name in names]
        contrasts = np.eye(len(self.fit.names))[at]
        if not self.fit.sole_sources:
            return contrasts
        weights = np.hstack([source.weights for source in self.fit.sole_sources])[at]
        lengths = np.linalg.norm(self.fit.design, axis=0)[at]
        return (null_space(weights.T) * lengths[:, None]).T @ contrasts
