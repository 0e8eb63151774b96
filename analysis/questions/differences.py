"""How much a factor changes a metric: the fitted means at its levels against each other.

A factor that acts through another one can do nothing on average and much at each of the other's
levels. So the levels are compared twice: on average over the settings of the other factors that
were run, and at the setting where they differ most. All comparisons of one factor are one family:
their intervals hold together (max |t|; Hothorn, Bretz & Westfall 2008), so the largest may be
picked from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.coding import Coding, names_of
from analysis.fit.held import shown_levels
from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import max_t_critical, usable_df
from analysis.fit.resampling import Stream
from analysis.runs.settings import Settings
from analysis.runs.study import Study

# Comparisons in one factor's family at most: of more settings, as many evenly spread ones are used.
MOST_COMPARISONS = 2000


def differences(fit: Fit, study: Study, settings: Settings) -> pd.DataFrame:
    """Differences between the levels of every factor, with simultaneous intervals.

    fit: of the metric itself. One row a pair of levels with comparison "average", and one a factor
    with comparison "largest", whose further columns, named after the other factors, say at which
    setting of them; a factor that acts alone has no such row. difference is the mean at
    ``other_level`` less that at ``level``. Only settings of which the runs tell as much as of one
    of their own (leverage at most the largest of the runs) are compared; each counts once in the
    average.
    """
    factors = names_of(fit.model.codings)
    rng = Stream.BANDS.generator(settings)
    rows = [
        row
        for coding in fit.model.codings
        for row in _of_factor(fit, coding, study.runs.loc[fit.rows, factors], settings.alpha, rng)
    ]
    names = ["metric", "factor", "comparison", "level", "other_level"]
    names += ["difference", "std_error", "df", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*names, *factors])


def _of_factor(
    fit: Fit, coding: Coding, runs: pd.DataFrame, alpha: float, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    others = [name for name in runs if name != coding.name]
    pairs = list(combinations(shown_levels(coding), 2))
    places = _spread(runs[others].drop_duplicates().sort_values(others), len(pairs))
    largest = _leverages(fit, fit.design).max()
    # (pair, low, high), (pair, place, low, high): contrasts of the means at a pair's two levels
    average, at_places = [], []
    for pair in pairs:
        low, high = (fit.contrasts(places.assign(**{coding.name: level})) for level in pair)
        known = np.maximum(_leverages(fit, low), _leverages(fit, high)) <= largest * (1 + 1e-9)
        if known.any():
            low, high = low[known], high[known]
            average.append((pair, low.mean(axis=0), high.mean(axis=0)))
            if len(np.unique((high - low).round(12), axis=0)) > 1:  # others change the difference
                found = places[known].to_dict("records")
                at_places += [(pair, *each) for each in zip(found, low, high, strict=True)]
    if not average:
        return
    compared = [*average, *at_places]
    (low_mean, low), (high_mean, high) = (
        fit.in_own_unit(np.array([each[which] for each in compared])) for which in (-2, -1)
    )
    estimate, family = high_mean - low_mean, high - low
    std_error = np.sqrt(np.einsum("ki,ij,kj->k", family, fit.covariance, family))
    df = float(usable_df(fit, family).min())
    margin = max_t_critical(family, fit.covariance, df, alpha, rng) * std_error

    def row(
        comparison: str, at: int, pair: tuple[Any, Any], place: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "metric": fit.metric,
            "factor": coding.name,
            "comparison": comparison,
            "level": pair[0],
            "other_level": pair[1],
            "difference": estimate[at],
            "std_error": std_error[at],
            "df": df,
            "ci_low": estimate[at] - margin[at],
            "ci_high": estimate[at] + margin[at],
            **place,
        }

    for at, (pair, *_) in enumerate(average):
        yield row("average", at, pair, {})
    if at_places:
        size = np.abs(estimate[len(average) :])
        # the first of those that rounding alone tells apart
        at = int(np.argmax(size > size.max() * (1 - 1e-9)))
        pair, place, *_ = at_places[at]
        yield row("largest", len(average) + at, pair, place)


def _leverages(fit: Fit, points: Array) -> Array:
    """x'(X'X)⁻¹x of the rows of points (k, p): what the design tells of them, (k,)."""
    return ((points @ fit.inverse_root) ** 2).sum(axis=1)


def _spread(places: pd.DataFrame, pairs: int) -> pd.DataFrame:
    most = max(1, MOST_COMPARISONS // max(pairs, 1))
    if len(places) <= most:
        return places.reset_index(drop=True)
    kept = np.linspace(0, len(places) - 1, most).round().astype(int)
    return places.iloc[kept].reset_index(drop=True)
