"""Fitted means at points of the design, with pointwise errors and simultaneous bands.

Factors that a point does not name are at coded 0: the middle of the design in the absolute framing,
the baseline's own value in the relative one; categorical factors are averaged over their levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from analysis.fit.coding import Coding, levels_beside
from analysis.fit.least_squares import Array, Fit

DIRECTIONS = 3000
MOST_VALUES = 2_000_000  # held at once


def curve_values(coding: Coding, points: int) -> list[Any]:
    """Values over a factor's studied range, even on its scale, its own levels among them."""
    if not coding.factor.numeric:
        return list(coding.levels)
    low, high = coding.code(coding.limits)[:, 0]
    grid = coding.decode(np.linspace(low, high, points))
    if len(coding.levels) > points:
        return grid.tolist()
    levels = np.array(coding.levels, dtype=float)
    distance = np.abs(coding.code(grid) - coding.code(levels).T)
    new = grid[(distance > 1e-9 * (high - low)).all(axis=1)]
    return np.sort(np.r_[new, levels]).tolist()


def contrasts_at(fit: Fit, values: Mapping[str, Sequence[Any]]) -> Array:
    """Contrasts (k, p) predicting points of which only some factors are given, k values each.

    The others are at coded 0: numeric ones at their centre, categorical ones averaged over the
    levels under which the given ones exist.
    """
    count = len(next(iter(values.values()))) if values else 1
    points = pd.DataFrame({name: list(column) for name, column in values.items()})
    if not values:
        points = pd.DataFrame(index=range(1))
    averaged = []
    for coding in fit.model.codings:
        if coding.name in values:
            continue
        if coding.factor.numeric:
            points[coding.name] = float(coding.decode(0.0))
        else:
            averaged.append(coding)
    if not averaged:
        return fit.contrasts(points)
    total = np.zeros((count, len(fit.coefficients)))
    shown = [coding for coding in fit.model.codings if coding.name in values]
    settings = list(product(*(levels_beside(coding, shown) for coding in averaged)))
    for levels in settings:
        names = [coding.name for coding in averaged]
        total += fit.contrasts(points.assign(**dict(zip(names, levels, strict=True))))
    return total / len(settings)


def estimates(fit: Fit, contrasts: Array, alpha: float) -> pd.DataFrame:
    """estimate, std_error, ci_low, ci_high of contrasts (k, p) of the coefficients."""
    variances = np.einsum("ki,ij,kj->k", contrasts, fit.covariance, contrasts)
    estimate, std_error = contrasts @ fit.coefficients, np.sqrt(variances)
    margin = stats.t.ppf(1 - alpha / 2, usable_df(fit, contrasts)) * std_error
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": std_error,
            "ci_low": estimate - margin,
            "ci_high": estimate + margin,
        }
    )


def usable_df(fit: Fit, contrasts: Array) -> Array:
    df = fit.degrees_of_freedom(contrasts)
    return np.where(np.isfinite(df) & (df > 0), df, fit.residual_df)


def max_t_critical(
    contrasts: Array, covariance: Array, df: float, alpha: float, rng: np.random.Generator
) -> float:
    """Critical value that max |t| over the contrasts exceeds with probability alpha.

    Of the multivariate t (Hothorn, Bretz & Westfall 2008, "Simultaneous inference in general
    parametric models"), over random directions of the estimates' error with its length integrated
    exactly (Somerville 1998); never below the pointwise value.
    """
    root = contrasts @ symmetric_root(covariance)
    scale = np.linalg.norm(root, axis=1)
    told = scale > 1e-10 * scale.max(initial=0)  # not the difference of a setting to itself
    if not told.any():
        return float(stats.t.ppf(1 - alpha / 2, df))
    root = root[told] / scale[told, None]
    terms = root.shape[1]
    directions = rng.standard_normal((DIRECTIONS, terms))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    some = max(1, MOST_VALUES // len(root))
    largest = np.concatenate(
        [np.abs(directions[i : i + some] @ root.T).max(axis=1) for i in range(0, DIRECTIONS, some)]
    )

    def exceeded(critical: float) -> float:
        """Probability: along a direction, max |t|² is its square times terms · F(terms, df)."""
        return float(stats.f.sf((critical / largest) ** 2 / terms, terms, df).mean())

    pointwise = float(stats.t.isf(alpha / 2, df))
    if exceeded(pointwise) <= alpha:
        return pointwise
    scheffe = float(np.sqrt(terms * stats.f.isf(alpha, terms, df)))  # of all contrasts there are
    return float(brentq(lambda value: exceeded(value) - alpha, pointwise, scheffe, xtol=1e-6))


def symmetric_root(covariance: Array) -> Array:
    """R (p, p) with RR' the covariance; unlike others it is not turned by rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
