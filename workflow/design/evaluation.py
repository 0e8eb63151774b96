"""How well a design can tell a model: rank, efficiencies, prediction variance over the region.

All is of one replicate, in units of the variance between a run's cells, and for a training run, as
that is what costs: the epochs of a run come along.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from design.information import Array, moments, rows, whitening
from design.space import Setting, Space

POINTS = 1024  # of the region, at which predictions are looked at
DRAW = 206  # the named integer of their random draws
MOST_CORNERS = 2200  # combinations of ends and middles that are looked at, too
ASSUMED = ((0.1, 0.0), (1.0, 0.0), (10.0, 0.0), (1.0, 0.5), (1.0, 0.9))  # (η, AR(1)), see `Errors`


@dataclass(frozen=True)
class Errors:
    """ratio: η, the variance between runs by that within them; correlation: of a run's errors from
    one level of epochs to the next, AR(1)."""

    ratio: float = 1.0
    correlation: float = 0.0


@dataclass(frozen=True)
class Evaluation:
    """A design of settings in a space, with errors."""

    space: Space
    settings: Sequence[Setting]
    errors: Errors

    @cached_property
    def information(self) -> Array:
        """X'V⁻¹X (p, p) a training run."""
        delivered = self.space.delivered
        levels = (delivered.levels or ()) if delivered else (None,)
        runs = [
            [*setting.values(), *([] if level is None else [level])]
            for setting in self.settings
            for level in levels
        ]
        names = [*self.space.names, *([delivered.name] if delivered else [])]
        values = dict(zip(names, zip(*runs, strict=True), strict=True))
        design = rows(self.space.columns, self.space.codings, values)
        cells = len(levels)
        white = whitening(cells, self.errors.ratio, self.errors.correlation)
        blocks = design.reshape(len(self.settings), cells, -1)
        stacked = (white @ blocks).reshape(len(design), -1)
        return stacked.T @ stacked / len(self.settings)

    @property
    def rank(self) -> int:
        """How many coefficients can be estimated together."""
        return int(np.linalg.matrix_rank(self.information, hermitian=True))

    @property
    def complete(self) -> bool:
        """Whether every coefficient can be estimated."""
        return self.rank == len(self.space.columns)

    @cached_property
    def variances(self) -> Array:
        """The variance of predictions at POINTS over the region, ascending."""
        return np.sort(self._variance_at(region(self.space)))

    @property
    def largest_variance(self) -> float:
        """Of predictions, also at the corners."""
        return float(max(self.variances[-1], self._variance_at(corners(self.space)).max()))

    def _variance_at(self, points: Array) -> Array:
        return np.einsum("ij,ij->i", points, np.linalg.solve(self.information, points.T).T)


def region(space: Space) -> Array:
    """The model's columns (POINTS, p) at points spread over the region."""
    from scipy.stats import qmc  # half a second, which every job would wait for

    draws = np.random.default_rng(DRAW)
    return at_shares(space, qmc.Sobol(len(space.codings), rng=draws).random(POINTS))


def corners(space: Space) -> Array:
    """The same at combinations of ends and middles, or where they are many at all ends."""
    count = len(space.codings)
    shares = (0.0, 0.5, 1.0) if 3**count <= MOST_CORNERS else (0.0, 1.0)
    return at_shares(space, np.array(list(itertools.product(shares, repeat=count))))


def at_shares(space: Space, shares: Array) -> Array:
    """The model's columns (n, p) at shares (n, factors) from 0 to 1 of each factor's scale."""
    values: dict[str, Any] = {}
    for coding, column in zip(space.codings, shares.T, strict=True):
        if coding.factor.numeric:
            values[coding.name] = coding.decode(2 * column - 1)
        else:
            places = np.minimum((column * len(coding.levels)).astype(int), len(coding.levels) - 1)
            values[coding.name] = [coding.levels[at] for at in places]
    return rows(space.columns, space.codings, values)


def efficiencies(one: Evaluation, other: Evaluation) -> dict[str, float]:
    """D-, A-, I- and G-efficiency against another design of the same space, at equal cost.

    1: as good a training run; D by the determinant's p-th root (Atkinson, Donev & Tobias, *Optimum
    Experimental Designs*, 2007, ch. 10), the others by the mean variance of coefficients and of
    predictions and the largest variance of a prediction. 0 where a coefficient cannot be estimated.
    """
    if not one.complete or not other.complete:
        return dict.fromkeys("DAIG", 0.0)
    spread = moments(one.space.columns, one.space.codings)
    logs, coefficients, predictions, largest = [], [], [], []
    for each in (one, other):
        logs.append(np.linalg.slogdet(each.information)[1])
        coefficients.append(np.trace(np.linalg.inv(each.information)))
        predictions.append(np.trace(np.linalg.solve(each.information, spread)))
        largest.append(each.largest_variance)
    return {
        "D": float(np.exp((logs[0] - logs[1]) / len(one.space.columns))),
        "A": float(coefficients[1] / coefficients[0]),
        "I": float(predictions[1] / predictions[0]),
        "G": float(largest[1] / largest[0]),
    }
