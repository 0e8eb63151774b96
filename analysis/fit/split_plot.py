"""The split-plot model: fixed blocks and a random intercept for every trajectory.

Fitted by restricted maximum likelihood (REML), with Satterthwaite's degrees of freedom; equal to
``lmer(y ~ replicate + ... + (1 | trajectory))`` of lme4 (Bates et al., J. Stat. Softw. 67, 2015)
with lmerTest (Kuznetsova et al., J. Stat. Softw. 82, 2017) for R.

With one random intercept the likelihood needs one number to be searched, the ratio of the
trajectory variance to the residual variance, and everything else follows from sums over
trajectories (Pinheiro & Bates, *Mixed-Effects Models in S and S-PLUS*, 2000, ch. 2). That is exact,
takes milliseconds for 100,000 runs, and gives the derivatives that Satterthwaite's method needs,
none of which statsmodels' MixedLM does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from analysis.fit.least_squares import (
    Array,
    Fit,
    explains_exactly,
    group_sums,
    ordinary_least_squares,
)
from analysis.runs.formula import Term
from analysis.runs.settings import Settings
from analysis.runs.study import Study
from common.errors import UserError

# More replicates than this are no block: they take a column each, and are likely just run numbers.
BLOCK_MOST = 30

# Searched between these, beside exactly 0. At the upper end a trajectory's runs are one number.
RATIOS = np.concatenate([[0.0], np.logspace(-8, 8, 65)])


def split_plot(
    study: Study,
    settings: Settings,
    metric: str,
    framing: str,
    *,
    terms: Sequence[Term] | None = None,
) -> Fit:
    """The split-plot fit of one metric; ``terms`` replaces the config's.

    Where a block of replicates cannot be told apart from the terms, or there are more than
    BLOCK_MOST, there is none. Where every trajectory has one run the fit is ordinary least squares,
    which is then right. The fit is singular where its ``trajectory_variance`` is 0. Raises
    UserError where a term or the trajectory variance cannot be estimated.
    """
    return with_trajectories(_with_block_if_estimable(study, settings, metric, framing, terms))


def with_trajectories(ordinary: Fit) -> Fit:
    """The split-plot fit of the runs and the model of an ordinary fit; raises as `split_plot`."""
    if explains_exactly(ordinary):
        raise UserError(
            "The model and the replicates explain every run exactly, so there is no error to judge "
            "the estimates by."
        )
    if len(np.unique(ordinary.clusters)) == len(ordinary.response):
        return replace(ordinary, estimator="split_plot")

    back = ordinary.inverse_root
    likelihood = Likelihood.of(ordinary.design @ back, ordinary.residuals, ordinary.clusters)
    at = likelihood.maximum()
    variance = at.quadratic / likelihood.df

    # Satterthwaite: var(l'b) = variance * l' inverse(ratio) l, by (ratio, variance)
    hessian = np.array(
        [
            [at.quadratic_2 / variance + at.determinants_2, -at.quadratic_1 / variance**2],
            [-at.quadratic_1 / variance**2, likelihood.df / variance**2],
        ]
    )
    parameter_covariance = np.zeros((2, 2))
    if at.ratio > 0:
        parameter_covariance = 2 * np.linalg.inv(hessian)
    else:  # on the boundary only the residual variance is uncertain, as in lmerTest
        parameter_covariance[1, 1] = 2 / hessian[1, 1]
    gradient = np.array([variance * at.inverse @ at.between @ at.inverse, at.inverse])
    return replace(
        ordinary,
        estimator="split_plot",
        coefficients=ordinary.coefficients + back @ at.shift,
        covariance=variance * back @ at.inverse @ back.T,
        residual_variance=variance,
        trajectory_variance=at.ratio * variance,
        minus2_reml=at.deviance - 2 * float(np.log(np.abs(np.diag(back))).sum()),
        covariance_gradient=back @ gradient @ back.T,
        parameter_covariance=parameter_covariance,
    )


def _with_block_if_estimable(
    study: Study, settings: Settings, metric: str, framing: str, terms: Sequence[Term] | None
) -> Fit:
    def fit(replicate_block: bool) -> Fit:
        return ordinary_least_squares(
            study, settings, metric, framing, terms=terms, replicate_block=replicate_block
        )

    declared = "replicate" in (settings.blocks or ())
    if not declared and study.runs["replicate"].nunique() > BLOCK_MOST:
        return fit(replicate_block=False)
    try:
        return fit(replicate_block=True)
    except UserError:
        return fit(replicate_block=False)


@dataclass(frozen=True)
class Point:
    """The likelihood at one variance ratio r, with derivatives by r (suffixes 1 and 2).

    With V = I + r ZZ', deviance = df log(quadratic) + determinants + constants, where
    quadratic = min_b (y - Xb)' V^-1 (y - Xb) and determinants = log|V| + log|X' V^-1 X|.
    """

    ratio: float
    deviance: float
    slope: float  # of the deviance
    shift: Array  # generalised least squares' b (p,)
    inverse: Array  # (X' V^-1 X)^-1 (p, p)
    between: Array  # X' V^-1 ZZ' V^-1 X (p, p)
    quadratic: float
    quadratic_1: float
    quadratic_2: float
    determinants_2: float


@dataclass(frozen=True)
class Likelihood:
    """Sums over trajectories from which the restricted likelihood follows at any ratio."""

    df: int
    sizes: Array  # (k,) the different numbers of runs in a trajectory
    counts: Array  # (k,) trajectories of that size
    total: Array  # (p + 1, p + 1) crossproduct of [X y]
    sums: Array  # (k, p + 1, p + 1) crossproduct of the trajectories' sums of [X y], by size

    @classmethod
    def of(cls, design: Array, response: Array, clusters: NDArray[np.int64]) -> Likelihood:
        """``design`` (n, p) has orthonormal columns, for precision."""
        both = np.column_stack([design, response])
        runs = np.bincount(clusters)
        sums = group_sums(both, clusters)
        sizes, counts = np.unique(runs, return_counts=True)
        return cls(
            df=design.shape[0] - design.shape[1],
            sizes=sizes.astype(float),
            counts=counts.astype(float),
            total=both.T @ both,
            sums=np.array([sums[runs == size].T @ sums[runs == size] for size in sizes]),
        )

    def at(self, ratio: float) -> Point:
        weights = 1 / (1 + ratio * self.sizes)
        crossed = self.total - np.tensordot(ratio * weights, self.sums, 1)
        crossed_1 = np.tensordot(weights**2, self.sums, 1)
        crossed_2 = np.tensordot(self.sizes * weights**3, self.sums, 1)
        inverse = np.linalg.inv(crossed[:-1, :-1])
        shift = inverse @ crossed[:-1, -1]
        residual = np.append(-shift, 1.0)
        between = crossed_1[:-1, :-1]
        pulled = crossed_1[:-1] @ residual
        quadratic = residual @ crossed @ residual
        quadratic_1 = -residual @ crossed_1 @ residual
        quadratic_2 = 2 * (residual @ crossed_2 @ residual - pulled @ inverse @ pulled)
        diagonal = self.sizes * weights
        product = inverse @ between
        determinants = self.counts @ np.log1p(ratio * self.sizes)
        determinants -= np.linalg.slogdet(inverse)[1]
        determinants_1 = self.counts @ diagonal - np.trace(product)
        determinants_2 = (
            2 * np.trace(inverse @ crossed_2[:-1, :-1])
            - self.counts @ diagonal**2
            - np.trace(product @ product)
        )
        return Point(
            ratio=ratio,
            deviance=float(self.df * (1 + np.log(2 * np.pi * quadratic / self.df)) + determinants),
            slope=float(self.df * quadratic_1 / quadratic + determinants_1),
            shift=shift,
            inverse=inverse,
            between=between,
            quadratic=float(quadratic),
            quadratic_1=float(quadratic_1),
            quadratic_2=float(quadratic_2),
            determinants_2=float(determinants_2),
        )

    def maximum(self) -> Point:
        """The point of highest likelihood (lowest deviance)."""
        zero = self.at(0.0)
        # trace of ZZ', and of its square, in the space that the terms leave
        trace = self.counts @ self.sizes - np.trace(zero.between)
        trace_of_square = -zero.determinants_2
        if trace < 1e-8 * self.df:
            raise UserError(
                "The model has a term for every difference between trajectories, so their variance "
                "cannot be estimated; add replicates or use a smaller model."
            )
        # equal only where ZZ' is a multiple of the identity there: then the likelihood is flat
        if trace**2 > (1 - 1e-8) * self.df * trace_of_square:
            raise UserError(
                "The model leaves too little to tell the variance between trajectories from that "
                "within them; add replicates or use a smaller model."
            )
        slopes = [self.at(ratio).slope for ratio in RATIOS]
        candidates = [zero] if slopes[0] >= 0 else []
        for low, high, left, right in zip(RATIOS, RATIOS[1:], slopes, slopes[1:], strict=False):
            if left < 0 <= right:
                found = brentq(lambda ratio: self.at(ratio).slope, low, high, xtol=1e-12)
                candidates.append(self.at(found))
        if not candidates:
            raise UserError(
                "The runs of a trajectory do not differ beyond what the model's terms explain, so "
                "there is no variation within trajectories to estimate."
            )
        return min(candidates, key=lambda point: point.deviance)
