"""Where the estimates rest on one trajectory alone.

A trajectory has leverage 1 in a direction of the coefficients when no other trajectory knows of it:
without its runs that combination of terms could not be estimated. The fit passes through such runs
whatever they hold, so their error does not show in the residuals, and an effect of the settings
cannot be told from a chance of that one training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Directions of which all other trajectories together know less than this share are known by one.
SOLE = 1e-6


@dataclass(frozen=True)
class SoleSource:
    """A trajectory, by its number, and the d directions of p coefficients that it alone knows.

    directions: (p, d), each a combination of columns of the design that is 0 in all other runs.
    """

    cluster: int
    directions: Array


def sole_sources(
    basis: Array, inverse_root: Array, clusters: NDArray[np.int64]
) -> tuple[SoleSource, ...]:
    """The trajectories with leverage 1, by the orthonormal ``basis`` X B (n, p), B the
    ``inverse_root`` (p, p); ``clusters`` (n,) numbers the runs' trajectories."""
    total = np.bincount(clusters, weights=np.einsum("ij,ij->i", basis, basis))
    found = []
    for cluster in np.flatnonzero(total > 1 - SOLE):  # the largest eigenvalue is below the sum
        rows = basis[clusters == cluster]
        values, vectors = np.linalg.eigh(rows.T @ rows)
        alone = values > 1 - SOLE
        if alone.any():
            found.append(SoleSource(int(cluster), inverse_root @ vectors[:, alone]))
    return tuple(found)


def touched(source: SoleSource, design: Array) -> NDArray[np.bool_]:
    """(p,) True for the coefficients that cannot be estimated without the trajectory."""
    weights = np.abs(source.directions) * np.linalg.norm(design, axis=0)[:, None]
    return (weights > 1e-6).any(axis=1)
