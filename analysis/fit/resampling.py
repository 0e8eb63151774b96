"""Named streams of random numbers, and what is drawn from them: trajectories, coefficients.

Runs of one trajectory are one training seen at different times, so they are drawn together
(Davison & Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pandas as pd

from analysis.fit.least_squares import Array, Fit
from analysis.fit.means import symmetric_root, usable_df
from analysis.runs.settings import Settings


class Stream(IntEnum):
    """One independent stream of random numbers a purpose, all from the study's seed."""

    COEFFICIENTS = 1
    EXAMPLES = 2
    BANDS = 3
    FOREST = 4
    CHOSEN = 5
    BEYOND = 6
    BEST = 7

    def generator(self, settings: Settings) -> np.random.Generator:
        return np.random.default_rng([settings.seed, int(self)])


def draw_clusters(
    trajectory: np.ndarray, block: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw trajectories with replacement, as many from each block as it has.

    trajectory, block: (rows,) labels; a trajectory belongs to one block. Returns (resamples, rows),
    how often each row was drawn.
    """
    # Labels are sorted, not taken in order of appearance: permuting the rows changes nothing.
    cluster, names = pd.factorize(np.asarray(trajectory), sort=True)
    stratum = np.zeros(len(names), dtype=int)
    stratum[cluster] = pd.factorize(np.asarray(block), sort=True)[0]
    counts = np.zeros((resamples, len(names)))
    for code in np.unique(stratum):
        members = np.flatnonzero(stratum == code)
        size = len(members)
        draws = rng.integers(0, size, (resamples, size)) + size * np.arange(resamples)[:, None]
        counts[:, members] = np.bincount(draws.ravel(), minlength=resamples * size).reshape(
            resamples, size
        )
    return counts[:, cluster]


def strata(fit: Fit) -> np.ndarray:
    """(n,) the number of each run's combination of blocks, all 0 in a model without."""
    indicators = fit.design[:, 1 : 1 + len(fit.model.blocks)]
    return np.unique(indicators, axis=0, return_inverse=True)[1]


def simulated(fit: Fit, settings: Settings) -> Array:
    """(settings.bootstrap, p) coefficients as they might have come out.

    From the multivariate t of the estimates, with the fewest degrees of freedom of any of them.
    """
    rng = Stream.COEFFICIENTS.generator(settings)
    count, terms = settings.bootstrap, len(fit.coefficients)
    df = float(usable_df(fit, np.eye(terms)).min())
    normal = rng.standard_normal((count, terms)) @ symmetric_root(fit.covariance)
    return fit.coefficients + normal / np.sqrt(rng.chisquare(df, (count, 1)) / df)


def percentile_interval(values: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper 1 − alpha percentile limits over the first axis."""
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2], axis=0)
    return low, high
