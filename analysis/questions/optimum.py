"""The best point inside the studied region."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.fit.coding import Coding, names_of
from analysis.fit.least_squares import Array, Fit
from analysis.fit.resampling import Bootstrap, percentile_interval
from analysis.runs.settings import Settings

GRID_POINTS = 10_000


@dataclass(frozen=True)
class Region:
    """The studied region: every numeric factor between its limits, every categorical level.

    A point is a row of numbers in 0 … 1 for the numeric factors (0 the lower limit, 1 the upper,
    even on the factor's scale) and the number of a combination of categorical levels.
    """

    codings: tuple[Coding, ...]

    @property
    def numeric(self) -> list[Coding]:
        return [coding for coding in self.codings if coding.factor.numeric]

    @cached_property
    def limits(self) -> list[tuple[float, float]]:
        """Natural limits of the numeric factors, kept: a searched factor may have many levels."""
        return [coding.limits for coding in self.numeric]

    @property
    def combinations(self) -> list[tuple[Any, ...]]:
        return list(product(*(c.levels for c in self.codings if not c.factor.numeric)))

    def natural(self, units: Array, combination: Array) -> pd.DataFrame:
        """Points (k, numeric factors) and (k,) combinations to a table, one column a factor."""
        columns: dict[str, Any] = {}
        for coding, limits, unit in zip(self.numeric, self.limits, units.T, strict=True):
            low, high = coding.code(limits)[:, 0]
            columns[coding.name] = np.clip(coding.decode(low + unit * (high - low)), *limits)
        names = [c.name for c in self.codings if not c.factor.numeric]
        levels = self.combinations
        for number, name in enumerate(names):
            columns[name] = [levels[each][number] for each in combination]
        return pd.DataFrame(columns)[names_of(self.codings)]

    def grid(self, most: int) -> tuple[Array, Array, float]:
        """A factorial grid of at most so many points (units, combination) and its step."""
        factors, combinations_ = len(self.numeric), len(self.combinations)
        sides = [side for side in (21, 11, 9, 7, 5, 3) if side**factors * combinations_ <= most]
        side = sides[0] if sides else 2
        axes = [np.linspace(0, 1, side)] * factors + [np.arange(combinations_, dtype=float)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, factors + 1)
        return points[:, :factors], points[:, factors].astype(int), 1 / (side - 1)


def best_points(
    fit: Fit, region: Region, coefficients: Array, sign: int, precision: float
) -> pd.DataFrame:
    """The point of the region where each fit is best, one row a column of coefficients (p, k).

    The best point of a grid, then a compass search (Kolda, Lewis & Torczon 2003) from it for all
    fits at once; exact to `precision` of each factor's range for a surface with one optimum a
    grid cell.
    """
    units, combination, step = region.grid(GRID_POINTS)
    rows = fit.contrasts(region.natural(units, combination))
    start = np.concatenate(
        [(sign * rows @ block).argmax(axis=0) for block in _blocks(coefficients, 250)]
    )
    units, combination = units[start], combination[start]
    factors = units.shape[1]
    if factors == 0:
        return region.natural(units, combination)

    def values(points: Array) -> Array:
        """(fits, points) of points (fits, points, factors)."""
        count = points.shape[1]
        table = region.natural(points.reshape(-1, factors), np.repeat(combination, count))
        rows = fit.contrasts(table).reshape(len(points), count, -1)
        return sign * np.einsum("fkp,pf->fk", rows, coefficients)

    moves = np.concatenate([np.zeros((1, factors)), np.eye(factors), -np.eye(factors)])
    steps = np.full(len(units), step / 2)
    while (steps > precision).any():
        candidates = np.clip(units[:, None] + steps[:, None, None] * moves, 0, 1)
        value = values(candidates)
        best = value.argmax(axis=1)
        # Staying wins ties, so that the search ends on flat surfaces.
        gain = value[np.arange(len(best)), best] - value[:, 0]
        moved = gain > 1e-12 * np.abs(value[:, 0]) + 1e-300
        units = np.where(moved[:, None], candidates[np.arange(len(best)), best], units)
        steps = np.where(moved, steps, steps / 2)
    return region.natural(units, combination)


def _blocks(coefficients: Array, size: int) -> list[Array]:
    return [coefficients[:, i : i + size] for i in range(0, coefficients.shape[1], size)]


def optimum(fit: Fit, resampled: Bootstrap, settings: Settings) -> pd.DataFrame:
    """The best point inside the studied region, one row a factor.

    ci_low, ci_high: percentile interval, over the cluster bootstrap, of the mean at this point;
    value_low, value_high: of where the resamples' own best points lie (numeric factors).
    on_edge: the best value is the lowest or highest that was studied.
    """
    region = Region(fit.model.codings)
    sign = settings.metric(fit.metric).sign
    best = best_points(fit, region, fit.coefficients[:, None], sign, precision=1e-7)
    contrast = fit.contrasts(best)[0]
    drawn = resampled.coefficients
    low, high = percentile_interval(drawn @ contrast, settings.alpha)
    places = best_points(fit, region, drawn.T, sign, precision=1e-3) if len(drawn) else None
    rows = []
    for coding in fit.model.codings:
        value = best[coding.name].iloc[0]
        row = {"metric": fit.metric, "factor": coding.name, "value": value}
        row |= {"predicted": float(contrast @ fit.coefficients), "ci_low": low, "ci_high": high}
        row |= {"value_low": np.nan, "value_high": np.nan, "on_edge": False}
        if coding.factor.numeric:
            ends = np.abs(coding.code([value, value])[:, 0] - coding.code(coding.limits)[:, 0])
            row["on_edge"] = bool(ends.min() < 1e-6)
            if places is not None:
                row["value_low"], row["value_high"] = percentile_interval(
                    places[coding.name].to_numpy(), settings.alpha
                )
        rows.append(row)
    return pd.DataFrame(rows)
