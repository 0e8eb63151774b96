"""Which of many means could be the best: Hsu's multiple comparisons with the best.

Hsu (1984, Ann. Statist. 12, 1136-1144; 1996, *Multiple Comparisons*, ch. 4). A mean could be the
best as long as no other is surely better; the intervals are for its distance to the best of the
others, and hold for all means at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats
from scipy.stats import qmc

from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import max_t_critical, usable_df

# With more means than this the critical value is a bound instead of Dunnett's.
MOST_EXACT = 60
# With more than this, so is that of intervals for all means at once.
MOST_SIMULATED = 2000
# Of more means only the best fitted are told of, though compared with all.
MOST_TOLD = 200
DIRECTIONS = 2**15  # half of them drawn, and their opposites
BINS = 512
BLOCK = 1000  # means compared at a time
SAME = 1e-10  # share of a variance below which that of a difference is rounding


@dataclass(frozen=True)
class BestComparison:
    """Comparisons with the best of k means; every array is (m,), m the smaller of k and MOST_TOLD.

    at: which means are told of, the best fitted first. df: the smallest of the degrees of freedom
    of its differences. lower, upper: of the mean's distance to the best of the others, positive is
    better.
    """

    at: NDArray[np.int64]
    df: Array
    critical: Array
    lower: Array
    upper: Array
    could_be_best: NDArray[np.bool_]


def compared_with_best(
    fit: Fit, contrasts: Array, sign: int, alpha: float, rng: np.random.Generator
) -> BestComparison:
    """Compares the means that contrasts (k, p) predict; ``sign`` is -1 where less is better.

    The critical value of mean i is one-sided Dunnett's with i as the control: the maximum over j of
    (Z_i - Z_j) / s_ij, t-distributed with the smallest df of these differences. It is integrated
    exactly over the length of Z and by a scrambled Sobol sequence over its direction. With more
    than MOST_EXACT means the smaller of Bonferroni's and Scheffé's values stands for it: these are
    a little larger, so that more means could be the best, never fewer.
    """
    values = sign * contrasts @ fit.coefficients
    told = np.argsort(-values, kind="stable")[:MOST_TOLD]
    points = _points(fit, contrasts)
    exact = _Dunnett(points, alpha, rng) if len(values) <= MOST_EXACT else None
    rank, count = points.shape[1], len(values) - 1

    all_df, all_critical, all_upper = (np.empty(len(values)) for _ in range(3))
    lower = np.zeros(len(told))
    for first in range(0, len(values), BLOCK):
        block = np.arange(first, min(first + BLOCK, len(values)))
        lengths = _lengths(points, block, told)
        df = _smallest_df(fit, contrasts, block, told, lengths > 0)
        if exact is None:
            bonferroni = stats.t.isf(alpha / count, df)
            critical = np.minimum(bonferroni, np.sqrt(rank * stats.f.isf(alpha, rank, df)))
        else:
            rows = zip(block.tolist(), lengths, df, strict=True)
            critical = np.array([exact.critical(at, told, *row) for at, *row in rows])
        differences = values[block, None] - values[told]
        reach = critical[:, None] * lengths
        others = lengths > 0  # neither itself nor a mean that is always the same
        upper = np.where(others, differences + reach, np.inf).min(axis=1)
        could_be = (upper > 0)[:, None] & others
        lower = np.minimum(lower, np.where(could_be, -differences - reach, np.inf).min(axis=0))
        all_df[block], all_critical[block], all_upper[block] = df, critical, upper
    return BestComparison(
        at=told,
        df=all_df[told],
        critical=all_critical[told],
        lower=lower,
        upper=np.maximum(all_upper[told], 0),
        could_be_best=all_upper[told] > 0,
    )


def all_at_once(fit: Fit, contrasts: Array, alpha: float, rng: np.random.Generator) -> float:
    """Critical value of t with which the intervals of all k means (k, p) hold at once.

    So also that of a mean that was chosen among them for its value. By simulation of the largest
    |t| or, with more than MOST_SIMULATED means, the smaller of Bonferroni's and Scheffé's values.
    """
    df = float(usable_df(fit, contrasts).min())
    count, rank = contrasts.shape
    if count <= MOST_SIMULATED:
        return max_t_critical(contrasts, fit.covariance, df, alpha, rng)
    bonferroni = stats.t.isf(alpha / 2 / count, df)
    return float(min(bonferroni, np.sqrt(rank * stats.f.isf(alpha, rank, df))))


def _points(fit: Fit, contrasts: Array) -> Array:
    """Points (k, r) whose distances are the standard errors of the means' differences."""
    values, vectors = np.linalg.eigh(fit.covariance)
    points = contrasts @ (vectors * np.sqrt(np.maximum(values, 0)))
    points = points - points.mean(axis=0)
    spread, axes = np.linalg.eigh(points.T @ points)
    return points @ axes[:, spread > SAME * spread[-1]]


def _lengths(points: Array, block: NDArray[np.int64], others: NDArray[np.int64]) -> Array:
    """Distances (b, m) of points, 0 where they are one but for rounding."""
    squares = (points**2).sum(axis=1)
    both = squares[block, None] + squares[others]
    square = both - 2 * points[block] @ points[others].T
    return np.sqrt(np.where(square > SAME * both, square, 0))


def _smallest_df(
    fit: Fit,
    contrasts: Array,
    block: NDArray[np.int64],
    others: NDArray[np.int64],
    compared: NDArray[np.bool_],
) -> Array:
    """The smallest df (b,) of the differences of each mean of the block to the ``others`` (m,).

    compared: (b, m), which differences there are. As `Fit.degrees_of_freedom` of every difference,
    from products of the contrasts instead of contrasts of their differences.
    """
    if fit.covariance_gradient is None or fit.parameter_covariance is None:
        return np.full(len(block), float(fit.residual_df))
    centred = contrasts - contrasts.mean(axis=0)

    def of_differences(matrix: Array) -> Array:
        left, right = centred[block] @ matrix, centred[others] @ matrix
        own = (left * centred[block]).sum(axis=1)[:, None] + (right * centred[others]).sum(axis=1)
        return own - 2 * left @ centred[others].T

    variances = of_differences(fit.covariance)
    gradients = np.array([of_differences(each) for each in fit.covariance_gradient])
    spread = (gradients * np.tensordot(fit.parameter_covariance, gradients, axes=1)).sum(axis=0)
    usable = compared & (spread > 0)
    df = np.where(usable, 2 * variances**2 / np.where(usable, spread, 1), np.inf).min(axis=1)
    return np.where(np.isfinite(df), df, fit.residual_df)


class _Dunnett:
    """One-sided critical values of the differences of one of k points to others."""

    def __init__(self, points: Array, alpha: float, rng: np.random.Generator) -> None:
        self.alpha, self.rank = alpha, points.shape[1]
        normal = qmc.MultivariateNormalQMC(np.zeros(self.rank), rng=rng).random(DIRECTIONS // 2)
        self.shadows = points @ (normal / np.linalg.norm(normal, axis=1, keepdims=True)).T

    def critical(self, at: int, others: NDArray[np.int64], lengths: Array, df: float) -> float:
        """lengths: (m,), distances to the others, 0 for those that are not compared.

        The squared length of a t-distributed vector of r dimensions is r times an F of r and df. It
        exceeds d in the direction u where it exceeds (d / max_j (x_i - x_j)'u / s_ij)².
        """
        compared = lengths > 0
        shadows = self.shadows[at] - self.shadows[others[compared]]
        ratios = shadows / lengths[compared, None]
        largest = np.sort(np.concatenate([ratios.max(axis=0), -ratios.min(axis=0)]))
        largest = largest.reshape(BINS, -1).mean(axis=1)
        positive = largest[largest > 0]
        never = BINS - len(positive)  # in these directions no difference reaches any d > 0

        def too_likely(d: float) -> float:
            within = special.fdtr(self.rank, df, (d / positive) ** 2 / self.rank)
            return (never + within.sum()) / BINS - (1 - self.alpha)

        one = stats.t.isf(self.alpha, df)  # of a single comparison
        any_number = np.sqrt(self.rank * stats.f.isf(self.alpha, self.rank, df))  # Scheffé
        return float(optimize.brentq(too_likely, 0.9 * one, 1.1 * any_number, xtol=1e-6))
