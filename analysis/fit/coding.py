"""Coded variables: from natural units to the design's units and back.

A numeric factor is transformed to its scale, centred and divided by half its range (Box & Draper,
*Response Surfaces, Mixtures, and Ridge Analyses*, 2007). The absolute framing centres on the
middle of the range, the relative framing on the baseline's own value, so that the same slope is
reported at another place. A categorical factor gets sum-to-zero contrasts in both framings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.runs.settings import Settings
from analysis.runs.structure import with_result
from analysis.runs.study import Study
from analysis.runs.values import natural_order
from analysis.variables import Factor

_TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "log10": np.log10,
    "log2": np.log2,
    "linear": np.asarray,
}
_INVERSES: dict[str, Callable[[Any], Any]] = {
    "log10": lambda t: 10.0**t,
    "log2": np.exp2,
    "linear": np.asarray,
}


@dataclass(frozen=True)
class Coding:
    """How one factor is coded. ``levels`` are its distinct natural values in the table."""

    factor: Factor
    levels: tuple[Any, ...]
    centre: float = 0.0  # transformed value that is coded 0
    half_range: float = 1.0  # transformed length of one coded unit

    @property
    def name(self) -> str:
        return self.factor.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the coded columns; a categorical factor has one for each level but the first."""
        if self.factor.numeric:
            return (self.name,)
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    def code(self, values: ArrayLike) -> NDArray[np.float64]:
        """Natural values (n,) to coded columns (n, len(columns)).

        Where a factor does not exist (see Factor.within) its value is empty and coded 0.
        """
        if self.factor.numeric:
            transformed = _TRANSFORMS[self.factor.scale](np.asarray(values, dtype=float))
            coded = ((transformed - self.centre) / self.half_range)[:, None]
            return coded if self.factor.within is None else np.nan_to_num(coded)
        values = np.asarray(values, dtype=object)
        coded = np.array([values == level for level in self.levels], dtype=float).T
        return coded[:, 1:] - coded[:, :1]

    def decode(self, coded: ArrayLike) -> NDArray[np.float64]:
        """Coded values of a numeric factor to natural units, same shape."""
        transformed = np.asarray(coded, dtype=float) * self.half_range + self.centre
        return _INVERSES[self.factor.scale](transformed)

    @property
    def middle(self) -> Any:
        """The natural value at the middle of the range; a categorical factor's first level."""
        if not self.factor.numeric:
            return self.levels[0]
        ends = _TRANSFORMS[self.factor.scale](np.array(self.factor.range or self.limits))
        return float(_INVERSES[self.factor.scale](ends.mean()))

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest natural value of a numeric factor that was studied."""
        return min(self.levels), max(self.levels)


def levels_beside(coding: Coding, shown: Iterable[Coding]) -> tuple[Any, ...]:
    """The factor's levels under which all of the shown factors exist."""
    levels = coding.levels
    for each in shown:
        if each.factor.within is not None and each.factor.within[0] == coding.name:
            levels = tuple(level for level in levels if level in each.factor.within[1])
    return levels


def exist_together(codings: Iterable[Coding], some: Sequence[Coding]) -> bool:
    """Whether there are settings in which all of some factors exist."""
    return all(len(levels_beside(coding, some)) > 0 for coding in codings)


def codings(
    runs: pd.DataFrame, settings: Settings, framing: str, baseline: Mapping[str, Any]
) -> tuple[Coding, ...]:
    """The coding of every factor, in the config's order, over the runs that have a result.

    ``baseline`` holds the baseline's natural value of every numeric factor; only the relative
    framing reads it.
    """
    return codings_over(with_result(runs, settings), settings.factors, framing, baseline)


def codings_over(
    runs: pd.DataFrame, factors: Iterable[Factor], framing: str, baseline: Mapping[str, Any]
) -> tuple[Coding, ...]:
    """The same over all of the runs, which may be planned ones."""
    result = []
    for factor in factors:
        levels = natural_order(runs[factor.name].dropna().unique().tolist())
        if not factor.numeric:
            result.append(Coding(factor, levels))
            continue
        transform = _TRANSFORMS[factor.scale]
        low, high = transform(np.array(factor.range or (levels[0], levels[-1]), dtype=float))
        centre = (low + high) / 2
        if framing == "relative":
            centre = float(transform(np.array(baseline[factor.name], dtype=float)))
        result.append(Coding(factor, levels, float(centre), float((high - low) / 2)))
    return tuple(result)


def absolute_codings(study: Study, settings: Settings, metric: str) -> tuple[Coding, ...]:
    """The codings of the absolute framing over the runs that have the metric."""
    return codings(study.runs[study.runs[metric].notna()], settings, "absolute", {})


def names_of(codings: Sequence[Coding]) -> list[str]:
    """The factors' names, in the codings' order."""
    return [coding.name for coding in codings]
