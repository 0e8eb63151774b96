"""What runs that are only planned will see, at variances that are taken as known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.fit.least_squares import Fit
from analysis.fit.wald import FTests
from analysis.questions.joint import hypotheses
from analysis.questions.power import largest_variance


@dataclass(frozen=True)
class Power:
    """Of one test: ``kind`` factor or term; ``variance`` of the estimated difference, so that the
    noncentrality of an effect is its square by it; ``alpha`` that of this one test."""

    kind: str
    about: str
    df: int
    denominator_df: float
    variance: float
    alpha: float

    def of(self, effect: float) -> float:
        """The power for a difference in the metric's own unit."""
        critical = stats.f.isf(self.alpha, self.df, self.denominator_df)
        noncentrality = effect**2 / self.variance
        return float(stats.ncf.sf(critical, self.df, self.denominator_df, noncentrality))


def planned_power(fit: Fit, alpha: float) -> list[Power]:
    """By factor and by term, of a fit by `planned_fit`; what cannot be tested is not there.

    A factor's joint test is by the rule by which findings are made (see `questions.power`), the
    difference one between two of its levels, whatever the shape. A term's t-test is at alpha
    itself, the difference what the term adds at most between two points of the region.
    """
    tests = FTests(fit)
    joint = {asked: names for kind, asked, names in hypotheses(fit.model) if kind == "factor"}
    found = []
    for coding in fit.model.codings:
        if coding.name in joint:
            variance, _ = largest_variance(fit, coding, joint[coding.name])
            names = joint[coding.name]
            found.append(_power(tests, "factor", coding.name, names, variance, alpha / len(joint)))
    even = {term.name: all(power % 2 == 0 for _, power in term.powers) for term in fit.model.terms}
    for column, term in fit.model.columns:
        at = fit.names.index(column)
        # A column is -1 to 1, of a square 0 to 1.
        spread = 1.0 if even[term] else 2.0
        variance = float(spread**2 * fit.covariance[at, at])
        found.append(_power(tests, "term", column, [column], variance, alpha))
    return [each for each in found if each.variance > 0 and np.isfinite(each.denominator_df)]


def _power(
    tests: FTests, kind: str, about: str, names: Sequence[str], variance: float, alpha: float
) -> Power:
    test = tests.zero(names)
    return Power(kind, about, test.df, test.denominator_df, variance, alpha)
