"""What this design could have seen, by the rule by which findings are made.

A factor counts as found where the joint test of its terms has q < alpha over the factors of the
metric. Where nothing else has an effect that is p < alpha / factors, which is what is taken here:
with other effects found, q lets pass somewhat more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis.fit.coding import Coding
from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import contrasts_at, curve_values
from analysis.questions.joint import hypotheses
from analysis.runs.settings import Settings

POWER = 0.8  # the power that is asked for, here and wherever the report speaks of it
ONE_POINT = 0.01
MOST_REPLICATES = 100_000
CURVE_POINTS = 21


def power_of(noncentrality: float, df: float, denominator_df: float, alpha: float) -> float:
    """Power of the F-test.

    The noncentral F as a noncentral χ² mixed over its estimated error (SciPy's own is not reliable
    far in the tail); exact to about 1e-4.
    """
    critical = df * stats.f.isf(alpha, df, denominator_df)
    errors = _error_ratios(denominator_df)
    return float(stats.ncx2.sf(critical * errors, df, noncentrality).mean())


@cache
def _error_ratios(df: float) -> Array:
    """Evenly likely values of the estimated over the true error variance."""
    return stats.chi2.ppf((np.arange(1000) + 0.5) / 1000, df) / df


def smallest_noncentrality(
    df: float, denominator_df: float, alpha: float, power: float = POWER
) -> float:
    """The noncentrality that the F-test finds with the given power."""

    def missing(value: float) -> float:
        return power_of(value, df, denominator_df, alpha) - power

    high = 10.0
    while missing(high) < 0:
        high *= 2
    return float(optimize.brentq(missing, 0, high))


def replicates_needed(
    noncentrality: float,
    df: float,
    denominator_df: float,
    replicates: int,
    alpha: float,
    power: float = POWER,
) -> float:
    """Replicates of the same design with which the effect is found with the given power.

    noncentrality and denominator_df are those with ``replicates`` of them. Both are taken to grow
    in proportion, though the degrees of freedom grow a little faster. NaN if more than 100,000
    would be needed.
    """

    def enough(count: int) -> bool:
        scale = count / replicates
        return power_of(noncentrality * scale, df, max(denominator_df * scale, 1), alpha) >= power

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


def power(fit: Fit, joint: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """What the design could have seen, one row a factor with a joint test in the table ``joint``.

    smallest_difference: a difference between two levels of the factor, the others at coded 0, that
    is found with 80 % power whatever the factor's other terms are; where the terms are orthogonal
    that is the power for a straight line. replicates_needed is for target_difference, which is the
    config's target_effect or else one point (0.01) of a metric shown in points and a tenth of the
    range of the fitted means of any other. smallest_difference is NaN where it is more than the
    metric's bounds allow. Factors that are in interactions alone are left out.
    """
    points = settings.metric(fit.metric).unit == "points"
    usual = ONE_POINT if points else float(np.ptp(fit.scale.inverse(fit.fitted))) / 10
    target = settings.target_effect.get(fit.metric, usual)
    low, high = settings.metric(fit.metric).bounds
    width = high - low
    to_own_unit = float(fit.scale.slope(fit.fitted.mean())) ** 2
    replicates = max(len(fit.model.replicates), 1)
    names_of = {factor: names for kind, factor, names in hypotheses(fit.model) if kind == "factor"}
    own = (joint["metric"] == fit.metric) & (joint["framing"] == fit.framing)
    own &= (joint["estimator"] == fit.estimator) & (joint["kind"] == "factor")
    tests = joint[own & joint["p_value"].notna()].set_index("tested")
    rows = []
    for coding in fit.model.codings:
        if coding.name not in tests.index:
            continue
        df, denominator_df = tests.loc[coding.name, ["df", "denominator_df"]].astype(float)
        alpha = settings.alpha / len(tests)
        variance = to_own_unit * _largest_variance(fit, coding, names_of[coding.name])
        if variance == 0:
            continue
        smallest = np.sqrt(smallest_noncentrality(df, denominator_df, alpha) * variance)
        means = contrasts_at(fit, {coding.name: curve_values(coding, CURVE_POINTS)})
        rows.append(
            {
                "metric": fit.metric,
                "factor": coding.name,
                "df": df,
                "denominator_df": denominator_df,
                "smallest_difference": smallest if smallest < width else np.nan,
                "observed_difference": float(np.ptp(fit.scale.inverse(means @ fit.coefficients))),
                "target_difference": target,
                "replicates": replicates,
                "replicates_needed": replicates_needed(
                    target**2 / variance, df, denominator_df, replicates, alpha
                ),
            }
        )
    return pd.DataFrame(rows)


def _largest_variance(fit: Fit, coding: Coding, names: Sequence[str]) -> float:
    """Of the estimated differences between the factor's levels, the others at coded 0.

    With b the factor's coefficients, V their covariance and c'b the difference, b'V⁻¹b is at least
    (c'b)² / c'Vc: the noncentrality of an effect with this difference, whatever its shape.
    """
    columns = [fit.names.index(name) for name in names]
    levels = np.array(coding.levels, dtype=object)
    levels[np.unique(np.linspace(0, len(levels) - 1, CURVE_POINTS).astype(int))]
    means = contrasts_at(fit, {coding.name: levels.tolist()})[:, columns]
    joint = means @ fit.covariance[np.ix_(columns, columns)] @ means.T
    single = np.diag(joint)
    return float((single[:, None] + single - 2 * joint).max())
