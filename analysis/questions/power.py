"""What this design could have seen, by the rule by which findings are made.

A factor counts as found where the joint test of its terms has q < alpha over the factors of the
metric. Where nothing else has an effect that is p < alpha / factors, which is what is taken here:
with other effects found, q lets pass somewhat more.

The error variance is only known from its estimate. With that in its place, power would not be what
is promised: a study that happens to see little variation promises too much, and loses more by it
than one that sees much gains. So power is averaged over what the variance may be, given its
estimate (the assurance of O'Hagan, Stevens & Campbell 2005, Pharm. Stat. 4, 187-201): another study
of the same design finds the effect that this one promises with that probability.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from analysis.fit.coding import Coding
from analysis.fit.least_squares import Fit
from analysis.fit.means import contrasts_at, curve_values, usable_df
from analysis.questions.joint import hypotheses
from analysis.runs.settings import Settings

POWER = 0.8  # the power that is asked for, here and wherever the report speaks of it
ONE_POINT = 0.01
MOST_REPLICATES = 100_000
CURVE_POINTS = 21

# Numbers of events over which a noncentral F is mixed: each, and above 100 in steps of 5 %.
EVENTS = np.unique(np.r_[np.arange(100), np.geomspace(100, 1e8, 280).round()])


def power_of(
    noncentrality: float, df: float, denominator_df: float, alpha: float, variance_df: float
) -> float:
    """Power of the F-test, averaged over what the error variance may be.

    noncentrality: with the variance as it was estimated, with ``variance_df`` degrees of freedom.
    A noncentral χ² is a central one of df + 2k, k Poisson distributed. As the noncentrality is
    spread like χ² over its degrees of freedom, k has a negative binomial distribution.
    """
    quantile = df * stats.f.isf(alpha, df, denominator_df)
    quantile /= quantile + denominator_df  # of the beta distribution
    found = special.betaincc(df / 2 + EVENTS, denominator_df / 2, quantile)
    share = variance_df / (variance_df + noncentrality)
    below = special.betainc(variance_df / 2, EVENTS + 1, share)  # of the negative binomial
    return float(np.diff(below, prepend=0) @ found + 1 - below[-1])


def smallest_noncentrality(
    df: float, denominator_df: float, alpha: float, variance_df: float, power: float = POWER
) -> float:
    """The noncentrality that the F-test finds with the given power."""

    def missing(value: float) -> float:
        return power_of(value, df, denominator_df, alpha, variance_df) - power

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
    variance_df: float,
    power: float = POWER,
) -> float:
    """Replicates of the same design with which the effect is found with the given power.

    noncentrality and denominator_df are those with ``replicates`` of them. Both are taken to grow
    in proportion, though the degrees of freedom grow a little faster. NaN if more than
    MOST_REPLICATES would be needed.
    """

    def enough(count: int) -> bool:
        scale = count / replicates
        later_df = max(denominator_df * scale, 1)
        return power_of(noncentrality * scale, df, later_df, alpha, variance_df) >= power

    counts = range(1, MOST_REPLICATES + 1)
    at = bisect_left(counts, True, key=enough)
    return float(counts[at]) if at < len(counts) else float("nan")


def power(fit: Fit, joint: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """What the design could have seen, one row a factor with a joint test in the table ``joint``.

    smallest_difference: a difference between two levels of the factor, the others at coded 0, that
    is found with probability POWER whatever the factor's other terms are; where the terms are
    orthogonal that is the power for a straight line. replicates_needed is for target_difference,
    which is the config's target_effect or else one point (0.01) of a metric shown in points and a
    tenth of the range of the fitted means of any other. smallest_difference is NaN where it is more
    than the metric's bounds allow. Factors that are in interactions alone are left out.
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
        variance, variance_df = largest_variance(fit, coding, names_of[coding.name])
        variance *= to_own_unit
        if variance == 0:
            continue
        noncentrality = smallest_noncentrality(df, denominator_df, alpha, variance_df)
        smallest = np.sqrt(noncentrality * variance)
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
                    target**2 / variance, df, denominator_df, replicates, alpha, variance_df
                ),
            }
        )
    return pd.DataFrame(rows)


def largest_variance(fit: Fit, coding: Coding, names: Sequence[str]) -> tuple[float, float]:
    """Of the estimated differences between the factor's levels, the others at coded 0; with its df.

    With b the factor's coefficients, V their covariance and c'b the difference, b'V⁻¹b is at least
    (c'b)² / c'Vc: the noncentrality of an effect with this difference, whatever its shape.
    """
    columns = [fit.names.index(name) for name in names]
    shown = np.unique(np.linspace(0, len(coding.levels) - 1, CURVE_POINTS).astype(int))
    means = contrasts_at(fit, {coding.name: [coding.levels[at] for at in shown]})
    of_factor = np.zeros_like(means)
    of_factor[:, columns] = means[:, columns]
    joint = of_factor @ fit.covariance @ of_factor.T
    single = np.diag(joint)
    variances = single[:, None] + single - 2 * joint
    one, other = np.unravel_index(variances.argmax(), variances.shape)
    difference = of_factor[[one]] - of_factor[other]
    return float(variances[one, other]), float(usable_df(fit, difference)[0])
