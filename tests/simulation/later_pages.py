"""Intervals of the pages after the first, and of the tables: how often they hold what is true.

Those that hold for a whole family are counted where all of it holds, the others one by one. The
prices and the fitted optimum are in `chosen_points`, cells against the baseline in `texts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.fit.cluster_robust import cluster_robust
from analysis.fit.estimators import coefficients
from analysis.fit.least_squares import Array, Fit
from analysis.questions.cells import cells
from analysis.questions.effects import effects, interactions
from analysis.questions.importance import (
    by_sums_of_squares,
    factor_groups,
    type2_sums_of_squares,
)
from analysis.runs.settings import Settings
from tests.simulation.coverage import EFFECTS, SETTINGS, TABLES
from tests.simulation.studies import Planned, refitted

KINDS = (
    "single terms, split plot",
    "single terms, cluster-robust",
    "means along a factor",
    "means along a factor at levels of another",
    "bands along a factor",
    "shares of the variation of what matters",
)
CELLS = "means of cells"
NEAR = 1e-9  # of rounding


def kinds(table: str) -> tuple[str, ...]:
    """Means of cells have intervals where there are replicates, and are no fitted means: those of
    transformed values would be something else."""
    return (*KINDS, CELLS) if TABLES[table].settings is SETTINGS else KINDS


def simulate(table: str, studies: int, seed: int = 0) -> dict[str, float]:
    """The share of intervals, over studies in which factors matter, that hold what is true."""
    rng = np.random.default_rng([seed, list(TABLES).index(table), len(EFFECTS)])
    planned = TABLES[table].planned()
    exact = replace(planned.fit, coefficients=TABLES[table].true(planned, "factors matter"))
    truth = Truth(
        exact,
        effects(exact, planned.settings)["estimate"],
        interactions(exact, planned.settings)["estimate"],
        _shares(exact),
    )
    fits = (planned.drawn(exact.coefficients, rng) for _ in range(studies))
    found = pd.DataFrame([_held(planned, fit, truth) for fit in fits], columns=(*KINDS, CELLS))
    return found[list(kinds(table))].mean().to_dict()


@dataclass(frozen=True)
class Truth:
    """The fit with the true coefficients, and what its tables hold."""

    exact: Fit
    along: pd.Series
    crossed: pd.Series
    shares: Array


def _held(planned: Planned, fit: Fit, truth: Truth) -> tuple[float, ...]:
    """In the order of KINDS, and of CELLS."""
    settings, exact = planned.settings, truth.exact
    robust = cluster_robust(refitted(planned.fit, fit.response))
    along, crossed = effects(fit, settings), interactions(fit, settings)
    shares = by_sums_of_squares(fit, settings)
    in_band = _within(along, truth.along, "band_low", "band_high")
    return (
        _terms(fit, exact.coefficients, settings).mean(),
        _terms(robust, exact.coefficients, settings).mean(),
        _within(along, truth.along).mean(),
        _within(crossed, truth.crossed).mean(),
        in_band.groupby(along["factor"]).all().mean(),
        _within(shares, truth.shares)[truth.shares > NEAR].mean(),
        _cells(planned, fit, exact).mean(),
    )


def _within(
    table: pd.DataFrame, truth: Array | pd.Series, low: str = "ci_low", high: str = "ci_high"
) -> pd.Series:
    return (table[low] - NEAR <= truth) & (truth <= table[high] + NEAR)


def _terms(fit: Fit, true: Array, settings: Settings) -> pd.Series:
    table = coefficients({(fit.metric, fit.framing, fit.estimator): fit}, settings)
    return _within(table, true)[fit.of_terms]


def _shares(exact: Fit) -> Array:
    """Of the true coefficients, in the order of `by_sums_of_squares`."""
    gram = exact.design.T @ exact.design
    moments = exact.coefficients @ gram
    sums = type2_sums_of_squares(gram[None], moments[None], factor_groups(exact))[0]
    return sums / sums.sum()


def _cells(planned: Planned, fit: Fit, exact: Fit) -> pd.Series:
    runs = planned.study.runs.assign(**{fit.metric: pd.Series(fit.response, fit.rows)})
    table = cells(replace(planned.study, runs=runs), planned.settings)
    truth = exact.predict(table[list(planned.settings.factor_names)])[0]
    return _within(table, truth, "mean_low", "mean_high")
