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

from analysis.fit.coding import Coding
from analysis.fit.least_squares import Array, Fit

BAND_DRAWS = 20_000


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

    The others are at coded 0: numeric ones at their centre, categorical ones averaged.
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
    settings = list(product(*(coding.levels for coding in averaged)))
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

    By simulation of the multivariate t (Hothorn, Bretz & Westfall 2008, "Simultaneous inference
    in general parametric models"); never below the pointwise value.
    """
    joint = contrasts @ covariance @ contrasts.T
    scale = np.sqrt(np.diag(joint))
    values, vectors = np.linalg.eigh(joint / np.outer(scale, scale))
    kept = values > 1e-10 * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    normal = rng.standard_normal((BAND_DRAWS, kept.sum())) @ root.T
    largest = np.abs(normal).max(axis=1) / np.sqrt(rng.chisquare(df, BAND_DRAWS) / df)
    return float(max(np.quantile(largest, 1 - alpha), stats.t.ppf(1 - alpha / 2, df)))
