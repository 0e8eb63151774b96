"""What this design could have seen."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis.fit.least_squares import Array, Fit
from analysis.runs.settings import Settings

POWER = 0.8  # the power that is asked for, here and wherever the report speaks of it
ONE_POINT = 0.01
MOST_REPLICATES = 100_000


def power_of(effect: float, std_error: float, df: float, alpha: float) -> float:
    """Power of the two-sided t-test of an effect.

    The noncentral t as a normal mixed over its estimated standard error (SciPy's own fails, as
    NaN, far in the tail); exact to about 1e-4.
    """
    critical = stats.t.ppf(1 - alpha / 2, df)
    ratio = _error_ratios(df)
    shift = abs(effect) / std_error
    found = stats.norm.sf(critical * ratio - shift) + stats.norm.cdf(-critical * ratio - shift)
    return float(found.mean())


@cache
def _error_ratios(df: float) -> Array:
    """Evenly likely values of the estimated over the true standard error."""
    return np.sqrt(stats.chi2.ppf((np.arange(1000) + 0.5) / 1000, df) / df)


def smallest_effect(std_error: float, df: float, alpha: float, power: float = POWER) -> float:
    """The effect that the two-sided t-test finds with the given power."""
    high = 4.0 + 2 * stats.t.ppf(1 - alpha / 2, df)
    while power_of(high, 1.0, df, alpha) < power:
        high *= 2
    return std_error * optimize.brentq(lambda x: power_of(x, 1.0, df, alpha) - power, 0, high)


def replicates_needed(
    effect: float,
    std_error: float,
    df: float,
    replicates: int,
    alpha: float,
    power: float = POWER,
) -> float:
    """Replicates of the same design with which the effect is found with the given power.

    std_error and df are those with `replicates` of them. The standard error shrinks as
    1/√replicates; degrees of freedom grow in proportion, a little slower than they do. NaN if
    more than 100,000 would be needed.
    """

    def enough(count: int) -> bool:
        scale = count / replicates
        return power_of(effect, std_error / np.sqrt(scale), max(df * scale, 1.0), alpha) >= power

    most = 1
    while not enough(most):
        most *= 2
        if most > MOST_REPLICATES:
            return float("nan")
    least = most // 2  # not enough
    while most - least > 1:
        middle = (most + least) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return float(most)


def power(fit: Fit, settings: Settings) -> pd.DataFrame:
    """What the design could have seen, one row a term (coefficients: per coded unit).

    smallest_effect is found with POWER at alpha; replicates_needed is for target_effect,
    which is the config's or else one point (0.01) of a metric shown in points and a tenth of the
    range of the fitted means of any other.
    """
    points = settings.metric(fit.metric).unit == "points"
    usual = ONE_POINT if points else float(np.ptp(fit.fitted)) / 10
    target = settings.target_effect.get(fit.metric, usual)
    replicates = max(len(fit.model.replicates), 1)
    first = len(fit.names) - len(fit.model.columns)
    df = np.where(np.isfinite(fit.df) & (fit.df > 0), fit.df, fit.residual_df)
    rows = []
    for at in range(first, len(fit.names)):
        known = float(fit.std_errors[at]), float(df[at])
        rows.append(
            {
                "metric": fit.metric,
                "term": fit.names[at],
                "std_error": known[0],
                "df": known[1],
                "smallest_effect": smallest_effect(*known, settings.alpha),
                "observed": fit.coefficients[at],
                "target_effect": target,
                "replicates": replicates,
                "replicates_needed": replicates_needed(target, *known, replicates, settings.alpha),
            }
        )
    return pd.DataFrame(rows)
