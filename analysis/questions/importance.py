"""Which factors matter: shares of the explained variation."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import symmetric_root
from analysis.fit.resampling import (
    Stream,
    draw_clusters,
    percentile_interval,
    simulated,
    strata,
)
from analysis.questions.functional_anova import forest_shares
from analysis.runs.settings import Settings
from analysis.runs.study import Study

TREES = 200
FOREST_ROWS = 1000  # larger tables: the forest is grown on so many rows, whole trajectories


def type2_sums_of_squares(
    gram: Array, moments: Array, groups: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Array:
    """Type II sums of squares of groups of columns, from X'X (k, p, p) and X'y (k, p).

    groups: by name, (the group's own columns, the columns of terms that contain it). Each is
    tested in the model without those containing it (Fox 2016, section 8.2; `car::Anova`).
    Returns (k, groups).
    """

    def explained(columns: np.ndarray) -> Array:
        part = moments[:, columns]
        solution = np.linalg.solve(gram[:, columns[:, None], columns], part[:, :, None])
        return np.einsum("kp,kp->k", part, solution[:, :, 0])

    everything = np.arange(gram.shape[-1])
    sums = []
    for own, containing in groups.values():
        larger = np.setdiff1d(everything, containing)
        sums.append(explained(larger) - explained(np.setdiff1d(larger, own)))
    return np.maximum(np.array(sums).T, 0)


def factor_groups(fit: Fit) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Columns of every factor (all its powers) and every combination of factors in the model.

    With each, the columns of the terms that involve these factors and others too.
    """
    factors_of = {term.name: frozenset(name for name, _ in term.powers) for term in fit.model.terms}
    of_column = [factors_of[term] for _, term in fit.model.columns]
    first = len(fit.names) - len(of_column)
    order = [coding.name for coding in fit.model.codings]
    groups = {}
    for factors in sorted(set(of_column), key=lambda g: (len(g), sorted(map(order.index, g)))):
        own = [first + i for i, each in enumerate(of_column) if each == factors]
        containing = [first + i for i, each in enumerate(of_column) if each > factors]
        name = ":".join(sorted(factors, key=order.index))
        groups[name] = (np.array(own), np.array(containing, dtype=int))
    return groups


def importance(fit: Fit, study: Study, settings: Settings) -> pd.DataFrame:
    """Share of the explained variation of every factor and pair, by two methods.

    type2: `by_sums_of_squares`. functional_anova: share of a regression forest's variance
    (`functional_anova`), without interval; what is left to 1 belongs to three factors or more.
    """
    names = [coding.name for coding in fit.model.codings]
    by_forest = pd.DataFrame(
        {
            "metric": fit.metric,
            "method": "functional_anova",
            "term": [*names, *(":".join(pair) for pair in combinations(names, 2))],
            "share": _forest(fit, study, settings).mean(axis=0),
            "ci_low": np.nan,
            "ci_high": np.nan,
        }
    )
    return pd.concat([by_sums_of_squares(fit, settings), by_forest], ignore_index=True)


def by_sums_of_squares(fit: Fit, settings: Settings) -> pd.DataFrame:
    """Type II sums of squares of a factor's (or pair's) terms, less what chance adds, as shares.

    The intervals are of simulated coefficients, to whose sums of squares chance adds as much again.
    """
    groups = factor_groups(fit)
    gram = fit.design.T @ fit.design

    def sums(coefficients: Array) -> Array:
        return type2_sums_of_squares(gram[None], coefficients @ gram, groups)

    # a sum of squares is quadratic: its mean over errors is its sum over the rows of their root
    chance = sums(symmetric_root(fit.covariance)).sum(axis=0)
    drawn = _shares(sums(simulated(fit, settings)) - 2 * chance)
    low, high = percentile_interval(drawn, settings.alpha)
    return pd.DataFrame(
        {
            "metric": fit.metric,
            "method": "type2",
            "term": list(groups),
            "share": _shares(sums(fit.coefficients[None]) - chance)[0],
            "ci_low": low,
            "ci_high": high,
        }
    )


def _shares(sums: Array) -> Array:
    """Of sums of squares (k, groups), none below 0; all 0 where there are none above."""
    sums = np.maximum(sums, 0)
    total = sums.sum(axis=1, keepdims=True)
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


def _forest(fit: Fit, study: Study, settings: Settings) -> Array:
    """Shares (trees, factors + pairs) of a forest on the runs less their replicate's effect."""
    blocks = slice(1, 1 + len(fit.model.blocks))
    response = fit.response - fit.design[:, blocks] @ fit.coefficients[blocks]
    runs = study.runs.loc[fit.rows]
    rng = Stream.FOREST.generator(settings)
    trajectory = fit.clusters
    rows = np.arange(len(runs))
    if len(rows) > FOREST_ROWS:
        order = rng.permutation(trajectory.max() + 1)[trajectory]
        rows = np.sort(np.argsort(order, kind="stable")[:FOREST_ROWS])
    columns = []
    for coding in fit.model.codings:
        values = runs[coding.name].iloc[rows]
        codes = pd.Index(coding.levels).get_indexer(values)
        columns.append(coding.code(values)[:, 0] if coding.factor.numeric else codes)
    row_weights = draw_clusters(trajectory[rows], strata(fit)[rows], TREES, rng)
    seed = int(rng.integers(2**31 - TREES))
    return forest_shares(np.column_stack(columns), response[rows], row_weights, seed)
