"""The search for an optimal design: coordinate exchange over whole training runs.

Meyer & Nachtsheim (1995, Technometrics 37) for the exchange of one coordinate after the other;
Jones & Goos (2007, Appl. Stat. 56) for split plots, whose whole plots are here the training runs:
their cells come along with them, so that only settings of whole runs are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from design.information import Array

Points = NDArray[np.intp]  # (trajectories, axes): which of an axis's values
GAIN = 1e-9  # relative; less is rounding
RIDGE = 1e-6  # so that a start that cannot estimate every coefficient has a criterion, too
MOST_SWEEPS = 100


@dataclass(frozen=True)
class Search:
    """A design problem in numbers, p coefficients.

    tables: of each axis (values, p), of the delivered cells (cells, p), whose products are the
    model's columns; whitening: (cells, cells), see `information.whitening`; moments: (p, p), for
    criterion I, None for D; allowed: of points (n, axes) which may be run; kept: (k, axes), points
    that are in the design whatever else is.
    """

    tables: tuple[Array, ...]
    cells: Array
    whitening: Array
    moments: Array | None
    allowed: Callable[[Points], NDArray[np.bool_]]
    kept: Points

    @property
    def sizes(self) -> list[int]:
        return [len(table) for table in self.tables]

    def runs(self, points: Points) -> Array:
        """The whitened columns (n, cells, p) of points."""
        product = np.ones((len(points), self.cells.shape[1]))
        for table, chosen in zip(self.tables, points.T, strict=True):
            product = product * table[chosen]
        return self.of_products(product)

    def of_products(self, products: Array) -> Array:
        """The same from the products (n, p) over the axes."""
        return self.whitening @ (products[:, None, :] * self.cells)

    def information(self, points: Points) -> Array:
        """X'V⁻¹X (p, p) of a design."""
        stacked = self.runs(points).reshape(-1, self.cells.shape[1])
        return stacked.T @ stacked

    def loss(self, information: Array) -> float:
        """What is to be small: minus log det, or the mean variance of predictions in the region;
        infinite where a coefficient cannot be estimated."""
        sign, logarithm = np.linalg.slogdet(information)
        if sign <= 0 or np.linalg.cond(information) > 1e12:
            return float("inf")
        if self.moments is None:
            return -float(logarithm)
        return float(np.trace(np.linalg.solve(information, self.moments)))


def best_design(search: Search, count: int, starts: int, draws: np.random.Generator) -> Points:
    """The best of so many searches: ``count`` points (count, axes), the kept ones first.

    The points to begin with are drawn, so that the same generator gives the same design.
    """
    found = [improved(search, random_points(search, count, draws)) for _ in range(starts)]
    losses = [search.loss(search.information(points)) for points in found]
    return found[int(np.argmin(np.round(losses, 9)))]


def random_points(search: Search, count: int, draws: np.random.Generator) -> Points:
    """The kept points and others, drawn from those allowed.

    Half of them have values of all kinds, half the first, the middle or the last, where optimal
    points mostly are.
    """
    chosen = search.kept
    sizes = np.array(search.sizes)
    while len(chosen) < count:
        drawn = draws.integers(0, sizes, size=(4 * count, len(sizes)))
        drawn[::2] = draws.integers(0, 3, size=(2 * count, len(sizes))) * (sizes - 1) // 2
        chosen = np.vstack([chosen, drawn[search.allowed(drawn)]])
    return chosen[:count]


def improved(search: Search, points: Points) -> Points:
    """The design after exchanges, as long as one of them lowers the loss."""
    points = points.copy()
    for _ in range(MOST_SWEEPS):
        inverse = _inverse(search, points)
        changed = False
        # Points and axes that have no better value until the design changes: many points are equal.
        settled = set[tuple[bytes, int]]()
        for at in range(len(search.kept), len(points)):
            for axis in range(points.shape[1]):
                coordinate = points[at].tobytes(), axis
                if coordinate in settled:
                    continue
                inverse, exchanged = _exchanged(search, points, inverse, at, axis)
                if exchanged:
                    changed = True
                    settled.clear()
                else:
                    settled.add(coordinate)
        if not changed:
            break
    return points


def _inverse(search: Search, points: Points) -> Array:
    size = search.cells.shape[1]
    return np.linalg.inv(search.information(points) + RIDGE * np.eye(size))


def _exchanged(
    search: Search, points: Points, inverse: Array, at: int, axis: int
) -> tuple[Array, bool]:
    """Gives one coordinate of one point its best value, in place; the inverse information after.

    Replacing a run changes the information by Z S Z', Z its whitened rows out and in, S signs:
    det(I + S Z'M⁻¹Z) is the ratio of determinants, and M⁻¹Z (S + Z'M⁻¹Z)⁻¹ Z'M⁻¹ what the inverse
    loses.
    """
    table = search.tables[axis]
    others = np.ones(table.shape[1])
    for other, values in enumerate(search.tables):
        if other != axis:
            others = others * values[points[at, other]]
    into = search.of_products(others * table)  # (values, cells, p)
    now = points[at, axis]
    cells = into.shape[1]
    both = np.concatenate([np.broadcast_to(into[now], into.shape), into], axis=1)
    signs = np.diag(np.repeat([-1.0, 1.0], cells))
    carried = both @ inverse  # (values, 2 cells, p)
    core = signs + carried @ both.transpose(0, 2, 1)  # S is its own inverse
    # det(S) is 1 or -1: det(I + S Z'M⁻¹Z) = det(S) det(S + Z'M⁻¹Z)
    ratios = np.linalg.det(core) * (-1.0) ** cells
    possible = ratios > 1e-9
    tried = np.repeat(points[at][None], len(table), axis=0)
    tried[:, axis] = np.arange(len(table))
    possible &= search.allowed(tried)
    if search.moments is None:
        gains = np.where(possible, np.log(np.maximum(ratios, 1e-300)), -np.inf)
        least = GAIN
    else:
        safe = np.where(possible[:, None, None], core, signs)
        lost = np.linalg.solve(safe, carried)
        gains = ((carried @ search.moments) * lost).sum(axis=(1, 2))
        gains = np.where(possible, gains, -np.inf)
        least = GAIN * float((inverse * search.moments).sum())
    best = int(np.argmax(gains))
    if best == now or not gains[best] > least:
        return inverse, False
    points[at, axis] = best
    loss = carried[best].T @ np.linalg.solve(core[best], carried[best])
    return inverse - (loss + loss.T) / 2, True
