"""Draws of a linear model's coefficients: trajectories drawn with replacement within blocks.

Runs of one trajectory are one training seen at different times, so they are drawn together
(Davison & Hinkley 1997, section 3.8). A least-squares fit needs only X'X and X'y, which add up
over trajectories: every resample is a weighted sum of per-trajectory products, and all resamples
are fitted at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Fit
from analysis.fit.means import symmetric_root
from analysis.runs.settings import Settings
from analysis.runs.study import Note

# Resamples × clusters kept in memory at once; larger tables get fewer resamples, never below
# FEWEST_RESAMPLES, and callers say so in `notes`.
MOST_COUNTS = 20_000_000
FEWEST_RESAMPLES = 200
# Products of columns held at once while X'WX is summed up.
MOST_PRODUCTS = 4_000_000
# With fewer resamples that still estimate every term, those are no sample of the others.
ESTIMABLE_SHARE = 0.95
# Below this ratio of smallest to largest eigenvalue of X'WX a resample has lost a term.
SINGULAR = 1e-10


class Stream(IntEnum):
    """One independent stream of random numbers a purpose, all from the study's seed."""

    TRAJECTORIES = 1
    EXAMPLES = 2
    BANDS = 3
    FOREST = 4
    CHOSEN = 5
    BEYOND = 6
    BEST = 7

    def generator(self, settings: Settings) -> np.random.Generator:
        return np.random.default_rng([settings.seed, int(self)])


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
    trajectory: np.ndarray, block: np.ndarray, resamples: int, rng: np.random.Generator
) -> Resamples:
    """Draw trajectories with replacement, as many from each block as it has.

    trajectory, block: (rows,) labels; a trajectory belongs to one block.
    """
    # Labels are sorted, not taken in order of appearance: permuting the rows changes nothing.
    cluster, names = pd.factorize(np.asarray(trajectory), sort=True)
    stratum = np.zeros(len(names), dtype=int)
    stratum[cluster] = pd.factorize(np.asarray(block), sort=True)[0]
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
    both = np.column_stack([design, responses.reshape(rows, -1)])[order]
    starts = np.flatnonzero(np.r_[True, np.diff(resamples.cluster[order]) > 0])
    upper = np.triu_indices(terms, m=both.shape[1])

    # Products of all pairs of columns, summed by cluster, for a few clusters at a time.
    sums = np.zeros((len(resamples.counts), len(upper[0])))
    clusters_at_once = max(1, MOST_PRODUCTS * len(starts) // (rows * len(upper[0])))
    for first in range(0, len(starts), clusters_at_once):
        block = starts[first : first + clusters_at_once]
        last = first + len(block)
        part = both[block[0] : starts[last] if last < len(starts) else rows]
        products = np.add.reduceat(part[:, upper[0]] * part[:, upper[1]], block - block[0])
        sums += resamples.counts[:, first:last] @ products

    crossed = np.zeros((len(resamples.counts), terms, both.shape[1]))
    crossed[:, upper[0], upper[1]] = sums
    gram = crossed[:, :, :terms]
    gram = np.triu(gram) + np.triu(gram, 1).transpose(0, 2, 1)
    return gram, crossed[:, :, terms:]


def estimable(gram: np.ndarray) -> np.ndarray:
    """(resamples,) True where X'WX still has full rank."""
    eigenvalues = np.linalg.eigvalsh(gram)
    return eigenvalues[:, 0] > SINGULAR * eigenvalues[:, -1]


@dataclass(frozen=True)
class Draws:
    """Coefficients as they might have come out. k draws, p terms.

    method: "bootstrap" of trajectories; "simulation" from the estimates' multivariate t, where
    resampling means nothing; "none" (k = 0) where neither does. gram (k or 1, p, p) and moments
    (k, p) are the X'X and X'y that the coefficients (k, p) solve. notes say
    what could not be done as asked.
    """

    method: str
    gram: np.ndarray
    moments: np.ndarray
    coefficients: np.ndarray
    notes: tuple[Note, ...] = ()


def draws(fit: Fit, settings: Settings) -> Draws:
    """`all_draws` of one fit."""
    return all_draws({fit.metric: fit}, settings)[fit.metric]


def all_draws(fits: Mapping[str, Fit], settings: Settings) -> dict[str, Draws]:
    """settings.bootstrap draws of each fit, by metric.

    The trajectories are resampled within the model's blocks, by least squares, where every block
    has at least two of them and ESTIMABLE_SHARE of the resamples can be estimated: the rest are a
    biased choice. Very large tables get fewer resamples. Metrics measured in the same runs share
    most of the work.
    """
    groups: dict[tuple, list[str]] = {}
    for metric, fit in fits.items():
        groups.setdefault(tuple(fit.rows), []).append(metric)
    found: dict[str, Draws] = {}
    for metrics in groups.values():
        each = _of_same_runs([fits[metric] for metric in metrics], settings)
        found |= dict(zip(metrics, each, strict=True))
    return found


def strata(fit: Fit) -> np.ndarray:
    """(n,) the number of each run's combination of blocks, all 0 in a model without."""
    number = np.zeros(len(fit.response), dtype=int)
    for block in fit.model.blocking:
        indicators = fit.design[:, fit.model.columns_of(block.name)]
        levels = indicators.shape[1] + 1
        number = levels * number + (indicators @ np.arange(levels - 1, 0, -1)).astype(int)
        number = np.unique(number, return_inverse=True)[1]
    return number


def _of_same_runs(fits: Sequence[Fit], settings: Settings) -> list[Draws]:
    """Draws of fits that have their rows, and with them the design, in common."""
    fit = fits[0]
    stratum = strata(fit)
    sizes = pd.Series(fit.clusters).groupby(stratum).nunique()
    if sizes.min() < 2:
        reason = "there is a block, or the whole table, of a single trajectory"
        return [_simulated(each, settings, reason) for each in fits]
    rng = Stream.TRAJECTORIES.generator(settings)
    resamples = draw_clusters(fit.clusters, stratum, settings.bootstrap, rng)
    responses = np.column_stack([each.response for each in fits])
    gram, moments = cross_products(fit.design, responses, resamples)
    kept = estimable(gram)
    used, clusters = resamples.counts.shape
    if kept.mean() < ESTIMABLE_SHARE:
        reason = f"{used - kept.sum()} of {used} resamples of trajectories lack a term"
        return [_simulated(each, settings, reason) for each in fits]
    gram, moments = gram[kept], moments[kept]
    notes = []
    if used < settings.bootstrap:
        notes.append(
            f"{used} instead of {settings.bootstrap} resamples, because the table has "
            f"{clusters:,} trajectories."
        )
    if not kept.all():
        notes.append(f"{used - kept.sum()} of {used} resamples lack a term and were left out.")
    coefficients = np.linalg.solve(gram, moments)
    return [
        Draws(
            "bootstrap",
            gram,
            moments[:, :, at],
            coefficients[:, :, at],
            tuple(Note("bootstrap", note, each.metric) for note in notes),
        )
        for at, each in enumerate(fits)
    ]


def _simulated(fit: Fit, settings: Settings, reason: str) -> Draws:
    """Draws from the multivariate t of the estimates, with the fewest degrees of freedom of any."""
    df = fit.df[np.isfinite(fit.df) & (fit.df > 0)]
    terms = len(fit.coefficients)
    gram = (fit.design.T @ fit.design)[None]
    if len(df) == 0 or not np.isfinite(fit.covariance).all():
        note = f"No intervals of the shares of variation: {reason}, and no error is known."
        nothing = np.empty((0, terms))
        return Draws("none", gram, nothing, nothing, (Note("bootstrap", note, fit.metric),))
    rng = Stream.TRAJECTORIES.generator(settings)
    normal = rng.standard_normal((settings.bootstrap, terms)) @ symmetric_root(fit.covariance)
    scale = np.sqrt(rng.chisquare(df.min(), (settings.bootstrap, 1)) / df.min())
    coefficients = fit.coefficients + normal / scale
    note = (
        "Intervals of the shares of variation are simulated from the estimates' joint "
        f"distribution, not resampled: {reason}."
    )
    notes = (Note("bootstrap", note, fit.metric),)
    return Draws("simulation", gram, coefficients @ gram[0], coefficients, notes)


def percentile_interval(values: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper 1 − alpha percentile limits over the first axis; NaN if there are none."""
    if len(values) == 0:
        missing = np.full(values.shape[1:], np.nan)
        return missing, missing
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2], axis=0)
    return low, high
