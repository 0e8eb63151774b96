"""Cluster bootstrap of a linear model: trajectories are drawn with replacement within replicates.

Runs of one trajectory are one training seen at different times, so they are drawn together
(Davison & Hinkley 1997, section 3.8). A least-squares fit needs only X'X and X'y, which add up
over trajectories: every resample is a weighted sum of per-trajectory products, and all resamples
are fitted at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Resamples × clusters kept in memory at once; larger tables get fewer resamples, never below
# FEWEST_RESAMPLES, and callers say so in `notes`.
MOST_COUNTS = 20_000_000
FEWEST_RESAMPLES = 200
# Below this ratio of smallest to largest eigenvalue of X'WX a resample has lost a term.
SINGULAR = 1e-10


@dataclass(frozen=True)
class Resamples:
    """Which clusters each resample drew.

    counts: (resamples, clusters), how often each cluster was drawn.
    cluster: (rows,), the cluster of each row, 0 … clusters − 1.
    """

    counts: np.ndarray
    cluster: np.ndarray

    @property
    def row_weights(self) -> np.ndarray:
        """(resamples, rows): how often each row was drawn."""
        return self.counts[:, self.cluster]


def affordable_resamples(clusters: int, resamples: int) -> int:
    """The number of resamples used for a table of this many clusters."""
    return min(resamples, max(FEWEST_RESAMPLES, MOST_COUNTS // max(clusters, 1)))


def draw_clusters(
    trajectory: np.ndarray, replicate: np.ndarray, resamples: int, rng: np.random.Generator
) -> Resamples:
    """Draw trajectories with replacement, as many from each replicate as it has.

    trajectory, replicate: (rows,) labels; a trajectory belongs to one replicate.
    """
    # Labels are sorted, not taken in order of appearance: permuting the rows changes nothing.
    cluster, names = pd.factorize(np.asarray(trajectory), sort=True)
    stratum = np.zeros(len(names), dtype=int)
    stratum[cluster] = pd.factorize(np.asarray(replicate), sort=True)[0]
    resamples = affordable_resamples(len(names), resamples)
    counts = np.zeros((resamples, len(names)))
    for code in np.unique(stratum):
        members = np.flatnonzero(stratum == code)
        size = len(members)
        draws = rng.integers(0, size, (resamples, size)) + size * np.arange(resamples)[:, None]
        counts[:, members] = np.bincount(draws.ravel(), minlength=resamples * size).reshape(
            resamples, size
        )
    return Resamples(counts, cluster)


def cross_products(
    design: np.ndarray, responses: np.ndarray, resamples: Resamples
) -> tuple[np.ndarray, np.ndarray]:
    """X'WX (resamples, terms, terms) and X'WY (resamples, terms, responses) of every resample."""
    rows, terms = design.shape
    order = np.argsort(resamples.cluster, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(resamples.cluster[order]) > 0])
    design, responses = design[order], responses.reshape(rows, -1)[order]

    gram = np.empty((len(resamples.counts), terms, terms))
    moments = np.empty((len(resamples.counts), terms, responses.shape[1]))
    for term in range(terms):
        column = design[:, [term]]
        products = np.add.reduceat(column * np.c_[design[:, term:], responses], starts)
        sums = resamples.counts @ products
        gram[:, term, term:] = gram[:, term:, term] = sums[:, : terms - term]
        moments[:, term] = sums[:, terms - term :]
    return gram, moments


def estimable(gram: np.ndarray) -> np.ndarray:
    """(resamples,) True where X'WX still has full rank."""
    eigenvalues = np.linalg.eigvalsh(gram)
    return eigenvalues[:, 0] > SINGULAR * eigenvalues[:, -1]


def resampled_coefficients(
    design: np.ndarray, responses: np.ndarray, resamples: Resamples
) -> np.ndarray:
    """Least-squares coefficients of every estimable resample.

    design: (rows, terms); responses: (rows, metrics). Returns (kept, terms, metrics): resamples
    that lost a term (every trajectory of some level undrawn) have no coefficients and are left
    out; compare with len(resamples.counts) to say how many.
    """
    gram, moments = cross_products(design, responses, resamples)
    kept = estimable(gram)
    return np.linalg.solve(gram[kept], moments[kept])


def percentile_interval(values: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper 1 − alpha percentile limits over the first axis; NaN if there are none."""
    if len(values) == 0:
        missing = np.full(values.shape[1:], np.nan)
        return missing, missing
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2], axis=0)
    return low, high
