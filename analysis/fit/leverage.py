"""Where the estimates rest on one trajectory alone.

A trajectory has leverage 1 in a direction of the coefficients when no other trajectory knows of it:
without its runs that combination of terms could not be estimated. The fit passes through such runs
whatever they hold, so their error does not show in the residuals, and an effect of the settings
cannot be told from a chance of that one training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# Directions of which all other trajectories together know less than this share are known by one.
SOLE = 1e-6
ROUNDING = 1e-6  # smaller weights of a column of length 1 are none


@dataclass(frozen=True)
class SoleSource:
    """A trajectory, by its number, and the d directions of p coefficients that it alone knows.

    weights: (p, d), each direction a combination of the design's columns, scaled to length 1, that
    is zero in all other runs.
    """

    cluster: int
    weights: Array

    @property
    def touched(self) -> NDArray[np.bool_]:
        """(p,) True for the coefficients that cannot be estimated without the trajectory."""
        return np.asarray(self.weights.any(axis=1))


def sole_sources(
    design: Array, inverse_root: Array, clusters: NDArray[np.int64]
) -> tuple[SoleSource, ...]:
    """The trajectories with leverage 1 for a design X (n, p).

    inverse_root: B (p, p), X B having orthonormal columns; clusters: (n,) the runs' trajectories.
    """
    basis = design @ inverse_root
    lengths = np.linalg.norm(design, axis=0)
    total = np.bincount(clusters, weights=np.einsum("ij,ij->i", basis, basis))
    found = []
    for cluster in np.flatnonzero(total > 1 - SOLE):  # the largest eigenvalue is below the sum
        rows = basis[clusters == cluster]
        values, vectors = np.linalg.eigh(rows.T @ rows)
        alone = values > 1 - SOLE
        if alone.any():
            weights = inverse_root @ vectors[:, alone] * lengths[:, None]
            found.append(SoleSource(int(cluster), np.where(np.abs(weights) > ROUNDING, weights, 0)))
    return tuple(found)
